# shellcheck shell=bash
# What the lab's scripts share: names, places and words.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROOT
CACHE=${DHIS2_SIEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dhis2-siem}
STATE=$CACHE/lab
LOGS=$CACHE/logs
# Process ids: a machine has one lab, whatever the cache.
RUN=/run/dhis2-siem-lab
export LXD_PROJECT=dhis2-siem-lab
export BRIDGE=dhis2siem0 BRIDGE_ADDRESS=10.87.0.1
export POOL=dhis2-siem-lab
export IMAGE=dhis2-siem-debian12
export LOGIN=dhis2siem SSH_PORT=2222
export MIRROR_PORT=8087
export ELASTIC_VERSION=8.19.8 FILEBEAT_VERSION=7.17.29 PULUMI_VERSION=3.259.0
# For changes of a version. In the lab's own mirror it is the same program under another number.
export OLDER_FILEBEAT_VERSION=7.17.28
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# A snap's lxc, and sshd and debootstrap for those whose PATH lacks the administrator's folders.
export PATH="$PATH:/usr/sbin:/sbin:/snap/bin"
umask 022
mkdir -p "$STATE" "$LOGS" "$RUN" "$CACHE/bin"
chmod 0700 "$STATE"

say() { printf '%s\n' "$*"; }

die() {
  printf 'lab: %s\n' "$*" >&2
  exit 1
}

# fail_with_log WHAT LOG: the end of a log, and what went wrong.
fail_with_log() {
  tail -n 20 "$2" >&2
  die "$1; the whole log is $2"
}

# wait_for SECONDS WHAT COMMAND...: polls twice a second, with a deadline.
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || die "$what did not come in time"
    sleep 0.5
  done
}

# reachable URL: does a vendor's server answer within five seconds?
reachable() { curl -fsSL --max-time 5 -o /dev/null -r 0-0 "$1" 2>/dev/null; }

# alive PIDFILE: does the process of this file still run? One that is younger than the file only has the same number.
alive() {
  local pid age state
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 1
  read -r age state < <(ps -o etimes=,stat= -p "$pid") || return 1
  [[ $state != Z* ]] && [ "$(($(date +%s) - age))" -le "$(($(stat -c %Y "$1") + 5))" ]
}

not() { ! "$@"; }

# stop PIDFILE: ends that process, and waits until it is gone.
stop() {
  local pid
  if alive "$1"; then
    pid=$(cat "$1")
    kill "$pid"
    wait_for 30 "the end of process $pid" not alive "$1"
  fi
  rm -f "$1"
}

# sum_of PATH...: one checksum for the contents of these files and folders, wherever they are.
sum_of() {
  local path
  for path in "$@"; do (cd "$(dirname "$path")" && find "$(basename "$path")" -type f -print0 | sort -z | xargs -0 cat); done |
    sha256sum | cut -d' ' -f1
}
