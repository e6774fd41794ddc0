# shellcheck shell=bash
# Runs on the LXD host as root, after lxd.sh: creates or changes the SIEM's container.
# Prints the container's address.
# Values: LXD_PROJECT, CONTAINER, IMAGE, ADDRESS, MEMORY, CPU, DISK (may be empty), GENERATION.

# set_device DEVICE KEY VALUE: the first time it overrides a device of the profile; after that it sets the container's own.
set_device() {
  [ "$(lxd config device get "$CONTAINER" "$1" "$2" 2>/dev/null)" != "$3" ] || return 0
  lxd config device override "$CONTAINER" "$1" "$2=$3" >/dev/null 2>&1 || lxd config device set "$CONTAINER" "$1" "$2=$3"
}

# set_config KEY VALUE
set_config() {
  [ "$(lxd config get "$CONTAINER" "$1")" = "$2" ] || lxd config set "$CONTAINER" "$1=$2"
}

# Counts only while CPU time is short: then another container, such as DHIS2's, gets twice as much as the SIEM. It is a share, not
# a quota, because a fixed quota wastes idle cores. It is not smaller, because an attacker who keeps DHIS2 busy must not stop the SIEM.
# limits.cpu.priority changes the same weight, but at most by a tenth.
CPU_SHARE=50%

# limit_cpu: sets a limit in CPU cores, and the share.
limit_cpu() {
  { set_config limits.cpu "$CPU" && set_config limits.cpu.allowance "$CPU_SHARE"; } 2>"$WORK/cpu" ||
    warn "the CPU of $CONTAINER is not limited to $CPU cores and a share of $CPU_SHARE; LXD answers: $(tail -n 1 "$WORK/cpu")"
}

# mib SIZE: prints LXD's size, such as 1.5GiB, in whole MiB.
mib() { awk -v size="$1" 'BEGIN { print int(size * (size ~ /TiB/ ? 1048576 : size ~ /GiB/ ? 1024 : size ~ /MiB/ ? 1 : 0)) }'; }

# used_disk: prints how much the container's root disk holds, such as 1.5GiB; nothing if LXD does not know.
used_disk() {
  { lxd info "$CONTAINER" 2>/dev/null || true; } | awk '/^  [^ ]/ { disk = /^  Disk usage:/ } disk && $1 == "root:" { print $2 }'
}

# pool_enforces_limits DRIVER SOURCE: a pool of type dir does so only if its file system has project quotas. LXD reports no error
# if it has none.
pool_enforces_limits() {
  [ "$1" = dir ] || return 0
  [[ ",$(findmnt -n -o OPTIONS -T "$2" 2>/dev/null)," =~ ,(prjquota|pquota), ]]
}

# limit_disk: sets the disk limit DISK. If DISK is empty, removes the container's own limit; a limit of a profile stays.
# A limit that cannot be set is a warning. A limit that would leave Elasticsearch without room is not set.
limit_disk() {
  local pool driver source size used
  size=$(lxd config device get "$CONTAINER" root size 2>/dev/null || true)
  if [ -z "$DISK" ]; then
    [ -n "$size" ] || return 0
    say "the disk of $CONTAINER is no longer limited to $size"
    lxd config device unset "$CONTAINER" root size 2>"$WORK/disk" ||
      die "the disk limit of $CONTAINER cannot be removed; LXD answers: $(tail -n 1 "$WORK/disk")"
    return 0
  fi
  pool=$(lxd config show "$CONTAINER" --expanded | awk '/^  [^ ]/ { r = $1 == "root:" } r && $1 == "pool:" { print $2 }')
  read -r driver source < <(lxc storage show "$pool" | awk '$1 == "driver:" { driver = $2 } $1 == "source:" { source = $2 } END { print driver, source }')
  if ! pool_enforces_limits "$driver" "$source"; then
    warn "the storage pool '$pool' ($driver) cannot enforce the disk limit $DISK; check the disk's use yourself, with 'df -h' on the host"
    return 0
  fi
  [ "$size" != "$DISK" ] || return 0
  used=$(used_disk)
  if [ -n "$IS_TAKEN_OVER" ] && [ "$(mib "$size")" -gt "$(mib "$DISK")" ]; then
    warn "the disk of $CONTAINER stays as large as it was, $size, not siem.disk ($DISK); set siem.disk to $size, so that later updates keep it too"
  elif [ "$(($(mib "$used") * 100))" -gt "$(($(mib "$DISK") * 85))" ]; then
    warn "the disk limit $DISK is not set, because $CONTAINER uses $used of its disk already; set siem.disk to more, or keep less (retentionDays)"
  elif ! set_device root size "$DISK" 2>"$WORK/disk"; then
    warn "the storage pool '$pool' ($driver) cannot enforce the disk limit $DISK (the limit is ${size:-none}); LXD answers: $(tail -n 1 "$WORK/disk"); check the disk's use yourself, with 'df -h' on the host"
  fi
}

has_address() { [[ $(lxd exec "$CONTAINER" -- ip -4 -o addr show scope global 2>/dev/null) == *" $ADDRESS/"* ]]; }

is_booted() {
  case $(lxd exec "$CONTAINER" -- systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) return 1 ;; esac
}

# Whether this run takes over a container that somebody else created.
IS_TAKEN_OVER=""

# apply STATE: the container's state now, such as RUNNING; empty if the container does not exist yet.
apply() {
  if [ -n "$1" ]; then
    # Printed once, and not again when a setting changes later.
    [ -n "$(lxd config get "$CONTAINER" user.dhis2-siem)" ] || {
      IS_TAKEN_OVER=1
      say "container $CONTAINER is there already and is taken over"
    }
  else
    say "creating container $CONTAINER from $IMAGE"
    lxd init "$IMAGE" "$CONTAINER" >/dev/null 2>"$WORK/init" || die "cannot make $CONTAINER from the image '$IMAGE'; LXD answers: $(tail -n 1 "$WORK/init")"
  fi
  set_device eth0 ipv4.address "$ADDRESS" 2>"$WORK/address" ||
    die "the address $ADDRESS cannot be given to $CONTAINER; LXD answers: $(tail -n 1 "$WORK/address")"
  set_config user.dhis2-siem managed
  set_config limits.memory "$MEMORY"
  limit_cpu
  set_config boot.autostart true
  limit_disk
  case $1 in
    RUNNING) has_address || lxd restart "$CONTAINER" --timeout 60 ;;
    *) lxd start "$CONTAINER" 2>"$WORK/start" || die "container $CONTAINER does not start; LXD answers: $(tail -n 1 "$WORK/start")" ;;
  esac
  wait_until 180 "the address $ADDRESS in $CONTAINER" has_address ||
    die "container $CONTAINER does not have the address $ADDRESS; check that nothing else uses it. It has: $(lxd exec "$CONTAINER" -- ip -4 -o addr show scope global | awk '{ print $4 }' | paste -sd ' ')"
  # cloud-init first, because the system is not up until cloud-init's units have run.
  # `command -v` inside sh, because lxc itself prints "Command not found" for a command that is missing.
  ! lxd exec "$CONTAINER" -- sh -c 'command -v cloud-init >/dev/null && [ ! -e /run/cloud-init/result.json ] || exit 1' ||
    say "waiting for cloud-init in $CONTAINER, at most five minutes"
  lxd exec "$CONTAINER" -- sh -c 'command -v cloud-init >/dev/null || exit 0; timeout 300 cloud-init status --wait >/dev/null 2>&1 || true'
  wait_until 180 "$CONTAINER's system to start" is_booted || die "the system in $CONTAINER did not start within three minutes; 'lxc exec $CONTAINER --project $LXD_PROJECT -- systemctl --failed' shows the failed units"
  printf '%s\n' "$ADDRESS"
}

# delete STATE
delete() {
  [ -n "$1" ] || return 0
  say "deleting container $CONTAINER and all its data"
  lxd delete --force "$CONTAINER"
}

main() {
  local state
  begin "container-$CONTAINER"
  state=$(container_state)
  "$1" "$state"
  finish
}
