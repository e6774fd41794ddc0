# shellcheck shell=bash
# What the lab's scripts share: names, places and words.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROOT
PROGRAM=lab
# shellcheck source=core/shell.sh
. "$ROOT/core/shell.sh"
# shellcheck source=lab/names.sh
. "$ROOT/lab/names.sh"
export MIRROR_PORT=8087
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# A snap's lxc, and sshd and debootstrap for those whose PATH lacks the administrator's folders.
export PATH="$PATH:/usr/sbin:/sbin:/snap/bin"
umask 022
mkdir -p "$STATE" "$LOGS" "$RUN" "$CACHE/bin"
chmod 0700 "$STATE"

# locked NAME COMMAND...: the command while no other script holds the lock of this name: what labs share is made once.
locked() {
  local name=$1
  shift
  (
    flock 9
    "$@"
  ) 9>"/run/dhis2-siem-$name.lock"
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
