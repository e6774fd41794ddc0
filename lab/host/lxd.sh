#!/usr/bin/env bash
# LXD with a project of the lab's own: bridge, storage pool, profile. Nothing else in LXD is changed.
# The project's containers and the stack's state belong together; the project's user.lab names its state.
#   lxd.sh up | down | status
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
# All labs use the same daemon.
PIDFILE=/run/dhis2-siem-lxd.pid
ID=$STATE/id

answers() { timeout 20 lxc query /1.0 >/dev/null 2>&1; }

lab() { lxc --project "$LXD_PROJECT" "$@" </dev/null; }

# inotify: every container of every lab takes some ten of the kernel's inotify instances, of which there are 128 for all of them.
# Without one, Filebeat and systemd do not notice what changes. LXD's own guide for servers says to raise the number.
inotify() {
  local limit=/proc/sys/fs/inotify/max_user_instances
  [ "$(cat "$limit")" -ge 1024 ] || echo 1024 >"$limit"
}

# daemon: uses the machine's LXD if it runs. Otherwise systemd starts it, or this script if systemd is not PID 1.
daemon() {
  ! answers || return 0
  say "starting LXD"
  if [ -d /run/systemd/system ]; then
    systemctl start lxd 2>/dev/null || systemctl start snap.lxd.daemon || die "systemd cannot start LXD; see 'systemctl status lxd'"
  else
    setsid lxd --group root --logfile="$LOGS/lxd.log" </dev/null >/dev/null 2>&1 9>&- &
    echo $! >"$PIDFILE"
  fi
  wait_for 90 "an answer of LXD (its log: $LOGS/lxd.log)" answers
}

has_project() { lxc project show "$LXD_PROJECT" >/dev/null 2>&1; }

# ours: succeeds if the project belongs to this state.
ours() { [ -s "$ID" ] && [ "$(lxc project get "$LXD_PROJECT" user.lab 2>/dev/null)" = "$(cat "$ID")" ]; }

# begin: creates an empty project without a state. It first removes a lab of another cache, or a lab without its state.
begin() {
  local part
  ! has_project || say "a lab whose state is not in $STATE is taken away"
  for part in receivers mirror sshd; do bash "${0%/*}/$part.sh" down; done
  remove
  rm -rf "$STATE/stack"
  say "project $LXD_PROJECT, bridge $BRIDGE, storage pool $POOL"
  lxc storage create "$POOL" dir >/dev/null
  lxc network create "$BRIDGE" "ipv4.address=$BRIDGE_ADDRESS/24" ipv4.nat=true ipv6.address=none >/dev/null
  lxc project create "$LXD_PROJECT" -c features.images=true -c features.profiles=true \
    -c features.storage.volumes=true -c features.networks=false >/dev/null
  lab profile device add default root disk path=/ "pool=$POOL" >/dev/null
  lab profile device add default eth0 nic "network=$BRIDGE" name=eth0 >/dev/null
  # This comes last, so that an interrupted start begins again.
  cat /proc/sys/kernel/random/uuid >"$ID"
  lxc project set "$LXD_PROJECT" "user.lab=$(cat "$ID")"
}

up() {
  inotify
  daemon
  ours || begin
}

# remove: deletes everything in the project (LXD deletes only an empty project), the project, its network and pool.
remove() {
  local name fingerprint
  if has_project; then
    for name in $(lab list --format csv -c n); do lab delete --force "$name"; done
    for fingerprint in $(lab image list --format csv -c F); do lab image delete "$fingerprint"; done
    for name in $(lab profile device list default); do lab profile device remove default "$name" >/dev/null; done
    lxc project delete "$LXD_PROJECT" >/dev/null
  fi
  ! lxc network show "$BRIDGE" >/dev/null 2>&1 || lxc network delete "$BRIDGE" >/dev/null
  ! lxc storage show "$POOL" >/dev/null 2>&1 || lxc storage delete "$POOL" >/dev/null
}

# has_pool: succeeds if the pool exists, also while LXD does not run (after a restart). The second path is the snap's.
has_pool() { [ -d "/var/lib/lxd/storage-pools/$POOL" ] || [ -d "/var/snap/lxd/common/lxd/storage-pools/$POOL" ]; }

# others: succeeds if LXD has a project of another lab.
others() { [[ $(lxc project list --format csv) == *dhis2-siem-lab* ]]; }

down() {
  ! has_pool || daemon
  ! answers || remove
  ! alive "$PIDFILE" || ! answers || ! others || return 0
  ! alive "$PIDFILE" || lxd shutdown --timeout 30 >/dev/null 2>&1 || true
  stop "$PIDFILE"
}

# One lab at a time, so that no lab begins while another one ends the daemon.
case ${1:-} in
  up) locked lxd up ;;
  down) locked lxd down ;;
  status) answers && has_project && echo "up, project $LXD_PROJECT" ;;
  *) die "usage: lxd.sh up | down | status" ;;
esac
