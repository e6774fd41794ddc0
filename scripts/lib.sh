# shellcheck shell=bash
# What every script shares. A bundle (render/bundle.ts) puts it in front of the others.

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
umask 022

# Work files, in memory where there is a /run; secrets may pass through here, hence 0700 from mktemp.
WORK=$(mktemp -d /run/dhis2-siem.XXXXXX)
trap 'rm -rf "$WORK"' EXIT

# The paths that put_file really changed in this run.
CHANGED=()
# What put_file put in place in this run, changed or not: "SHA-256 path".
WRITTEN=()

# begin NAME: one run at a time, and a mark that stays when a run is cut off, so that the next one restarts
# what the first may have changed and never restarted. finish takes the mark away.
begin() {
  MARK="/var/lib/dhis2-siem/$1.unfinished"
  mkdir -p /var/lib/dhis2-siem
  # Not in /run/lock, where anybody may hold a lock.
  install -d -m 0700 /run/dhis2-siem
  exec 9>"/run/dhis2-siem/$1.lock"
  flock -w 900 9 || die "another run of '$1' has been going on for fifteen minutes"
  if [ -e "$MARK" ]; then RETRY=1; else RETRY=""; fi
  : >"$MARK"
}

finish() {
  rm -f "$MARK"
  manifest
}

# manifest: one line of JSON on stdout for each file that this script has put in place, in this run, or in an earlier one
# where it is still there: it may have gone with the folder that it was for. So the stack's state knows what every file
# should be, and `npm run verify` need not trust the container.
manifest() {
  local list="${MARK%.unfinished}.files" sum path
  [ "${#WRITTEN[@]}" -gt 0 ] || [ -e "$list" ] || return 0
  : >>"$list"
  {
    printf '%s\n' ${WRITTEN[@]+"${WRITTEN[@]}"}
    while read -r sum path; do [ ! -e "$path" ] || printf '%s %s\n' "$sum" "$path"; done <"$list"
  } | awk 'NF == 2 && !seen[$2]++' | sort -k 2 >"$WORK/files"
  cat "$WORK/files" >"$list"
  awk '{ printf "{\"file\":\"%s\",\"sha256\":\"%s\"}\n", $2, $1 }' "$list"
}

say() { printf 'siem: %s\n' "$*" >&2; }

# warn TEXT: also shown when the update is over (components/host.ts).
warn() { say "warning: $*"; }

die() {
  printf 'siem: error: %s\n' "$*" >&2
  exit 1
}

# put_file PATH MODE OWNER[:GROUP] <CONTENT: puts the file in place, and notes it as changed where it differs. Always a new
# file: who owns the folder could make a mode or an owner go through a link.
put_file() {
  local path=$1 mode=$2 owner=$3 new same=""
  new=$(mktemp "$WORK/file.XXXXXX")
  cat >"$new"
  WRITTEN+=("$(sha256sum <"$new" | cut -d' ' -f1) $path")
  if [ -f "$path" ] && [ ! -L "$path" ] && cmp -s "$new" "$path"; then same=1; fi
  mkdir -p "$(dirname "$path")"
  chmod "$mode" "$new"
  chown "$owner" "$new"
  mv -fT "$new" "$path"
  [ -n "$same" ] || CHANGED+=("$path")
}

# changed PATH...: was one of them written in this run, or in one before it that was cut off?
changed() {
  local path one
  [ -z "$RETRY" ] || return 0
  for path in "$@"; do
    for one in ${CHANGED[@]+"${CHANGED[@]}"}; do
      [ "$one" != "$path" ] || return 0
    done
  done
  return 1
}

# wait_until SECONDS WHAT COMMAND...: polls once a second; false when the time is over. A wait that is not over at once
# says what it waits for, and says so again every half a minute.
wait_until() {
  local limit=$1 what=$2 start=$SECONDS next=5 waited
  shift 2
  until "$@"; do
    waited=$((SECONDS - start))
    if [ "$waited" -ge "$limit" ]; then
      say "gave up waiting for $what"
      return 1
    fi
    if [ "$waited" -ge "$next" ]; then
      say "waiting for $what: ${waited} s of at most $limit"
      next=$((waited + 30))
    fi
    sleep 1
  done
}

# restart_checked UNIT: restarts a service, and shows the end of its journal where that fails.
restart_checked() {
  systemctl restart "$1" && return 0
  journalctl -u "$1" -n 20 --no-pager -o cat >&2 || true
  die "$1 does not start; the lines above are the end of its journal"
}

# apply_checked TEST RELOAD PATH... : after files were written, runs the server's own config test. When it
# fails, what stood there before (kept by keep_file) comes back and the error shows the test's words.
apply_checked() {
  local test=$1 reload=$2 path
  shift 2
  changed "$@" || return 0
  if ! $test >"$WORK/config-test" 2>&1; then
    for path in "$@"; do restore_file "$path"; done
    cat "$WORK/config-test" >&2
    die "'$test' refuses the new configuration; the old one was put back"
  fi
  $reload || die "'$reload' failed"
}

# keep_file PATH: remembers a file (or its absence) for restore_file.
keep_file() {
  local copy
  copy="$WORK/kept$(printf '%s' "$1" | tr / _)"
  if [ -e "$1" ]; then cp -p "$1" "$copy"; fi
}

restore_file() {
  local copy
  copy="$WORK/kept$(printf '%s' "$1" | tr / _)"
  if [ -e "$copy" ]; then cp -p "$copy" "$1"; else rm -f "$1"; fi
}
