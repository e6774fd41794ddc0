# shellcheck shell=bash
# What the lab's scripts share: names, paths and functions.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROOT
PROGRAM=lab
# shellcheck source=core/shell.sh
. "$ROOT/core/shell.sh"
# shellcheck source=lab/names.sh
. "$ROOT/lab/names.sh"
export MIRROR_PORT=8087
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# For the snap's lxc, and for sshd and debootstrap if the PATH lacks the folders of root's programs.
export PATH="$PATH:/usr/sbin:/sbin:/snap/bin"
umask 022
mkdir -p "$STATE" "$LOGS" "$RUN" "$CACHE/bin"
chmod 0700 "$STATE"

# locked NAME COMMAND...: runs the command while it holds the lock of this name, so that labs build shared things only once.
locked() {
  local name=$1
  shift
  (
    flock 9
    "$@"
  ) 9>"/run/dhis2-siem-$name.lock"
}

# reachable URL: succeeds if a vendor's server answers within five seconds.
reachable() { curl -fsSL --max-time 5 -o /dev/null -r 0-0 "$1" 2>/dev/null; }

# alive PIDFILE: succeeds if this file's process still runs. A process that is younger than the file only has the same number.
alive() {
  local pid age state
  pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 1
  read -r age state < <(ps -o etimes=,stat= -p "$pid") || return 1
  [[ $state != Z* ]] && [ "$(($(date +%s) - age))" -le "$(($(stat -c %Y "$1") + 5))" ]
}

not() { ! "$@"; }

# stop PIDFILE: ends this file's process and waits until it has ended.
stop() {
  local pid
  if alive "$1"; then
    pid=$(cat "$1")
    kill "$pid"
    wait_for 30 "the end of process $pid" not alive "$1"
  fi
  rm -f "$1"
}
