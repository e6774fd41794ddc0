# shellcheck shell=bash
# Functions for all scripts. A bundle (render/bundle.ts) puts this file before the others.

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
umask 022

# Folder for temporary files, in memory (/run). They may contain secrets; mktemp gives the folder the mode 0700.
WORK=$(mktemp -d /run/dhis2-siem.XXXXXX)
trap 'rm -rf "$WORK"' EXIT

# The paths whose content put_file changed in this run.
CHANGED=()
# Every file that put_file wrote in this run, changed or not: "SHA-256 path".
WRITTEN=()

# begin NAME: allows one run of NAME at a time, and creates the file UNFINISHED, which `finish` deletes. If the file is still there
# from an interrupted run, RETRY is set: then this run restarts what that run may have changed and not restarted.
begin() {
  UNFINISHED="/var/lib/dhis2-siem/$1.unfinished"
  mkdir -p /var/lib/dhis2-siem
  # Not in /run/lock, where any user can hold a lock.
  install -d -m 0700 /run/dhis2-siem
  exec 9>"/run/dhis2-siem/$1.lock"
  flock -w 900 9 || die "another run of '$1' has been going on for fifteen minutes; wait until it ends, then run the update again"
  if [ -e "$UNFINISHED" ]; then RETRY=1; else RETRY=""; fi
  : >"$UNFINISHED"
}

finish() {
  rm -f "$UNFINISHED"
  print_manifest
}

# print_manifest: prints one line of JSON for each file that put_file wrote in this run, or in an earlier run if the file still
# exists. So the stack's state knows the hash of every file, and `npm run verify` does not have to trust the container.
print_manifest() {
  local list="${UNFINISHED%.unfinished}.files" sum path
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

# warn TEXT: is shown again at the end of the update (components/host.ts).
warn() { say "warning: $*"; }

die() {
  printf 'siem: error: %s\n' "$*" >&2
  exit 1
}

# put_file PATH MODE OWNER[:GROUP] <CONTENT: writes the file, and records it as changed if its content differs. It always creates a
# new file: otherwise the folder's owner could replace PATH with a link, and chmod and chown would change the link's target.
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

# changed PATH...: has one of them changed in this run, or may it have changed in an earlier, interrupted run?
changed() {
  local path changed_path
  [ -z "$RETRY" ] || return 0
  for path in "$@"; do
    for changed_path in ${CHANGED[@]+"${CHANGED[@]}"}; do
      [ "$changed_path" != "$path" ] || return 0
    done
  done
  return 1
}

# wait_until SECONDS DESCRIPTION COMMAND...: runs COMMAND once a second until it succeeds; fails after SECONDS. Prints what it waits
# for after five seconds, and again every thirty seconds.
wait_until() {
  local limit=$1 description=$2 start=$SECONDS next_message=5 waited
  shift 2
  until "$@"; do
    waited=$((SECONDS - start))
    if [ "$waited" -ge "$limit" ]; then
      say "gave up waiting for $description after $limit s"
      return 1
    fi
    if [ "$waited" -ge "$next_message" ]; then
      say "waiting for $description: ${waited} s of at most $limit"
      next_message=$((waited + 30))
    fi
    sleep 1
  done
}

# restart_checked UNIT: restarts a service. If this fails, prints the end of its journal and ends the step.
restart_checked() {
  systemctl restart "$1" && return 0
  journalctl -u "$1" -n 20 --no-pager -o cat >&2 || true
  die "$1 does not start; the lines above are the end of its journal"
}

# apply_checked TEST RELOAD PATH...: if one of the files has changed, runs the server's own config test, then reloads the server.
# If the test fails, restores the files that back_up_file saved, prints the test's output and ends the step.
apply_checked() {
  local test=$1 reload=$2 path
  shift 2
  changed "$@" || return 0
  if ! $test >"$WORK/config-test" 2>&1; then
    for path in "$@"; do restore_file "$path"; done
    cat "$WORK/config-test" >&2
    die "'$test' refuses the new configuration; the old configuration was restored"
  fi
  $reload || die "'$reload' failed"
}

# back_up_file PATH: saves the file, or the fact that it does not exist, for restore_file.
back_up_file() {
  local copy
  copy="$WORK/backup$(printf '%s' "$1" | tr / _)"
  if [ -e "$1" ]; then cp -p "$1" "$copy"; fi
}

restore_file() {
  local copy
  copy="$WORK/backup$(printf '%s' "$1" | tr / _)"
  if [ -e "$copy" ]; then cp -p "$copy" "$1"; else rm -f "$1"; fi
}
