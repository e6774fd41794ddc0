# shellcheck shell=bash
# Runs on the LXD host as root, after lxd.sh: creates or changes the SIEM's container.
# Prints the container's address.
# Values: LXD_PROJECT, CONTAINER, IMAGE, ADDRESS, MEMORY, DISK (may be empty), GENERATION.

# set_device DEVICE KEY VALUE: the first time it overrides a device of the profile; after that it sets the container's own.
set_device() {
  [ "$(lxd config device get "$CONTAINER" "$1" "$2" 2>/dev/null)" != "$3" ] || return 0
  lxd config device override "$CONTAINER" "$1" "$2=$3" >/dev/null 2>&1 || lxd config device set "$CONTAINER" "$1" "$2=$3"
}

# set_config KEY VALUE
set_config() {
  [ "$(lxd config get "$CONTAINER" "$1")" = "$2" ] || lxd config set "$CONTAINER" "$1=$2"
}

# limit_disk: sets the disk limit DISK. If DISK is empty, removes the container's own limit; a limit of a profile stays.
limit_disk() {
  local pool driver size
  if [ -z "$DISK" ]; then
    size=$(lxd config device get "$CONTAINER" root size 2>/dev/null || true)
    [ -n "$size" ] || return 0
    say "the disk of $CONTAINER is no longer limited to $size"
    lxd config device unset "$CONTAINER" root size 2>"$WORK/disk" ||
      die "the disk limit of $CONTAINER cannot be removed; LXD answers: $(tail -n 1 "$WORK/disk")"
    return 0
  fi
  pool=$(lxd config show "$CONTAINER" --expanded | awk '/^  [^ ]/ { r = $1 == "root:" } r && $1 == "pool:" { print $2 }')
  driver=$(lxc storage show "$pool" | awk '$1 == "driver:" { print $2 }')
  if [ "$driver" = dir ] || ! set_device root size "$DISK" 2>"$WORK/disk"; then
    warn "the storage pool '$pool' ($driver) cannot enforce the disk limit $DISK; check the disk's use yourself, with 'df -h' on the host"
  fi
}

has_address() { [[ $(lxd exec "$CONTAINER" -- ip -4 -o addr show scope global 2>/dev/null) == *" $ADDRESS/"* ]]; }

is_booted() {
  case $(lxd exec "$CONTAINER" -- systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) return 1 ;; esac
}

# apply STATE: the container's state now, such as RUNNING; empty if the container does not exist yet.
apply() {
  if [ -n "$1" ]; then
    # Printed once, and not again when a setting changes later.
    [ -n "$(lxd config get "$CONTAINER" user.dhis2-siem)" ] || say "container $CONTAINER is there already and is taken over"
  else
    say "creating container $CONTAINER from $IMAGE"
    lxd init "$IMAGE" "$CONTAINER" >/dev/null 2>"$WORK/init" || die "cannot make $CONTAINER from the image '$IMAGE'; LXD answers: $(tail -n 1 "$WORK/init")"
  fi
  set_device eth0 ipv4.address "$ADDRESS" 2>"$WORK/address" ||
    die "the address $ADDRESS cannot be given to $CONTAINER; LXD answers: $(tail -n 1 "$WORK/address")"
  set_config user.dhis2-siem managed
  set_config limits.memory "$MEMORY"
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
