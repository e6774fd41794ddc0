# shellcheck shell=bash
# Functions for the shell scripts that run on this machine. The scripts in scripts/ run on the host: they have lib.sh.

# The folder for downloads and builds, outside the repository. core/cache.ts reads it from here.
CACHE=${DHIS2_SIEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dhis2-siem}
export LOGS=$CACHE/logs
# The version of Elasticsearch that tests and the lab build.
export ELASTIC_VERSION=8.19.8

say() { printf '%s\n' "$*"; }

# die TEXT: prints an error and exits. It begins with PROGRAM, if that is set.
die() {
  printf '%s%s\n' "${PROGRAM:+$PROGRAM: }" "$*" >&2
  exit 1
}

# fail_with_log TEXT LOG: prints the end of a log and an error, and exits.
fail_with_log() {
  tail -n 20 "$2" >&2
  die "$1; the whole log is $2"
}

# sum_of PATH...: prints one checksum of the contents of files and folders. It does not depend on where they are.
sum_of() {
  local path
  for path in "$@"; do (cd "$(dirname "$path")" && find "$(basename "$path")" -type f -print0 | sort -z | xargs -0 cat); done |
    sha256sum | cut -d' ' -f1
}

# wait_for SECONDS WHAT COMMAND...: runs the command twice a second until it succeeds. Exits with an error at the deadline.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || die "$what did not come in time"
    sleep 0.5
  done
}
