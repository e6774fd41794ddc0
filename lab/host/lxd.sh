#!/usr/bin/env bash
# LXD, and in it a project of the lab's own: bridge, storage pool, profile. Nothing else in LXD is touched.
#   lxd.sh up | down | status
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
PIDFILE=$STATE/lxd.pid

answers() { timeout 20 lxc query /1.0 >/dev/null 2>&1; }

lab() { lxc --project "$LXD_PROJECT" "$@" </dev/null; }

# daemon: the machine's own LXD where it runs; else started by systemd, or here where systemd is not PID 1.
daemon() {
  ! answers || return 0
  say "starting LXD"
  if [ -d /run/systemd/system ]; then
    systemctl start lxd 2>/dev/null || systemctl start snap.lxd.daemon || die "systemd cannot start LXD; see 'systemctl status lxd'"
  else
    setsid lxd --group root --logfile="$LOGS/lxd.log" </dev/null >/dev/null 2>&1 &
    echo $! >"$PIDFILE"
  fi
  wait_for 90 "an answer of LXD (its log: $LOGS/lxd.log)" answers
}

up() {
  daemon
  lxc storage show "$POOL" >/dev/null 2>&1 || {
    say "storage pool $POOL"
    mkdir -p "$CACHE/pool"
    lxc storage create "$POOL" dir source="$CACHE/pool" >/dev/null
  }
  lxc network show "$BRIDGE" >/dev/null 2>&1 || {
    say "bridge $BRIDGE"
    lxc network create "$BRIDGE" "ipv4.address=$BRIDGE_ADDRESS/24" ipv4.nat=true ipv6.address=none >/dev/null
  }
  lxc project show "$LXD_PROJECT" >/dev/null 2>&1 || {
    say "project $LXD_PROJECT"
    lxc project create "$LXD_PROJECT" -c features.images=true -c features.profiles=true \
      -c features.storage.volumes=true -c features.networks=false >/dev/null
  }
  lab profile device get default root pool >/dev/null 2>&1 ||
    lab profile device add default root disk path=/ "pool=$POOL" >/dev/null
  lab profile device get default eth0 network >/dev/null 2>&1 ||
    lab profile device add default eth0 nic "network=$BRIDGE" name=eth0 >/dev/null
}

# remove_project: with everything that is in it; LXD deletes a project only when it is empty.
remove_project() {
  local name fingerprint
  for name in $(lab list --format csv -c n); do lab delete --force "$name"; done
  for fingerprint in $(lab image list --format csv -c F); do lab image delete "$fingerprint"; done
  for name in $(lab profile device list default); do lab profile device remove default "$name" >/dev/null; done
  lxc project delete "$LXD_PROJECT" >/dev/null
}

down() {
  # A daemon of ours that is no longer there (a restarted machine) still has the project on its disk.
  ! command -v lxd >/dev/null || [ ! -d "$CACHE/pool" ] || daemon
  if answers; then
    ! lxc project show "$LXD_PROJECT" >/dev/null 2>&1 || remove_project
    ! lxc network show "$BRIDGE" >/dev/null 2>&1 || lxc network delete "$BRIDGE" >/dev/null
    ! lxc storage show "$POOL" >/dev/null 2>&1 || lxc storage delete "$POOL" >/dev/null
    [ ! -d "$CACHE/pool" ] || rmdir "$CACHE/pool"
  fi
  ! alive "$PIDFILE" || lxd shutdown --timeout 30 >/dev/null 2>&1 || true
  stop "$PIDFILE"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  status) answers && lxc project show "$LXD_PROJECT" >/dev/null 2>&1 && echo "up, project $LXD_PROJECT" ;;
  *) die "usage: lxd.sh up | down | status" ;;
esac
