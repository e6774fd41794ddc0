# shellcheck shell=bash
# What the shell scripts of this machine share (those in scripts/ run on the host and have a lib.sh of their own).

# Downloads and builds, outside the repository. core/cache.ts asks this file, so that the rule stands once.
CACHE=${DHIS2_SIEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dhis2-siem}
export LOGS=$CACHE/logs
# The Elasticsearch that is assembled here, for tests and for the lab.
export ELASTIC_VERSION=8.19.8

say() { printf '%s\n' "$*"; }

# die TEXT: PROGRAM, where it is set, stands in front of it.
die() {
  printf '%s%s\n' "${PROGRAM:+$PROGRAM: }" "$*" >&2
  exit 1
}

# fail_with_log WHAT LOG: the end of a log, and what went wrong.
fail_with_log() {
  tail -n 20 "$2" >&2
  die "$1; the whole log is $2"
}

# sum_of PATH...: one checksum for the contents of these files and folders, wherever they are.
sum_of() {
  local path
  for path in "$@"; do (cd "$(dirname "$path")" && find "$(basename "$path")" -type f -print0 | sort -z | xargs -0 cat); done |
    sha256sum | cut -d' ' -f1
}

# wait_for SECONDS WHAT COMMAND...: tries the command twice a second, with a deadline.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || die "$what did not come in time"
    sleep 0.5
  done
}
