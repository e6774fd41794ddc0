#!/usr/bin/env bash
# The base image of the lab's containers: a small Debian 12 with systemd, made once by debootstrap and kept in the cache.
# All labs share it. It carries the machine's own package sources, proxies and CAs, so that apt works in the containers as it does here.
#   image.sh         in the cache, and in the lab's LXD project
#   image.sh build   in the cache alone
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
SUITE=bookworm
FOLDER=$CACHE/image
LOG=$LOGS/image.log
INCLUDE=systemd,systemd-sysv,libpam-systemd,dbus,iproute2,ifupdown,isc-dhcp-client,ca-certificates,curl,gnupg,debian-archive-keyring

# source_uri PATTERN: the first of this machine's package sources whose URI matches.
source_uri() {
  {
    sed -nE 's/^deb (\[[^]]*\] )?(https?:[^ ]*) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list
    sed -nE 's/^URIs: *(https?:[^ ]*).*/\1/p' /etc/apt/sources.list.d/*.sources
  } 2>/dev/null | grep -E "$1" | head -n 1
}

# sources: the image's sources.list, from this machine's mirrors of Debian, or Debian's own.
sources() {
  local updates
  updates=$(source_uri '/debian-security/?$' || true)
  printf 'deb %s %s main\n' "$MIRROR" "$SUITE" "$MIRROR" "$SUITE-updates" \
    "${updates:-http://deb.debian.org/debian-security}" "$SUITE-security"
}

# apt_settings: this machine's proxies and checks of dates; the lab's own mirror is always asked directly.
apt_settings() {
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-Date|Check-Valid-Until|Retries)' || true
  local name value
  for name in http https; do
    value=$(printenv "${name}_proxy" || true)
    [ -z "$value" ] || printf 'Acquire::%s::Proxy "%s";\n' "$name" "$value"
  done
  # shellcheck disable=SC2086 # a list
  printf 'Acquire::http::Proxy::%s "DIRECT";\n' $BRIDGE_ADDRESSES
  printf 'Acquire::Languages "none";\n'
}

configure() {
  local root=$1
  # systemd-networkd would wait for udev, which a container does not have.
  printf 'auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n' >"$root/etc/network/interfaces"
  sources >"$root/etc/apt/sources.list"
  apt_settings >"$root/etc/apt/apt.conf.d/90machine"
  if [ -d /usr/local/share/ca-certificates ]; then
    cp -R /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >>"$LOG" 2>&1
  fi
  # Each container makes its own.
  : >"$root/etc/machine-id"
  rm -f "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*_*
}

build() {
  local root=$CACHE/rootfs
  rm -rf "$root"
  say "making a Debian $SUITE base (once)"
  debootstrap --variant=minbase "--include=$INCLUDE" "$SUITE" "$root" "$MIRROR" >"$LOG" 2>&1 ||
    fail_with_log "debootstrap failed" "$LOG"
  configure "$root"
  mkdir -p "$FOLDER"
  mksquashfs "$root" "$FOLDER/rootfs.squashfs" -noappend -comp zstd -quiet -no-progress >>"$LOG" 2>&1 ||
    fail_with_log "mksquashfs failed" "$LOG"
  rm -rf "$root"
  metadata
}

# metadata: what LXD is to know of the image; as in the images that LXD users know, each container gets its own name inside too.
metadata() {
  mkdir -p "$FOLDER/templates"
  echo '{{ container.name }}' >"$FOLDER/templates/hostname.tpl"
  printf '127.0.0.1 localhost\n127.0.1.1 {{ container.name }}\n' >"$FOLDER/templates/hosts.tpl"
  cat >"$FOLDER/metadata.yaml" <<YAML
architecture: $(uname -m)
creation_date: $(date +%s)
properties:
  description: Debian $SUITE for the dhis2-siem lab
templates:
  /etc/hostname: { when: [create, copy], template: hostname.tpl }
  /etc/hosts: { when: [create, copy], template: hosts.tpl }
YAML
  tar -C "$FOLDER" -cJf "$FOLDER/metadata.tar.xz" metadata.yaml templates
}

lab() { lxc --project "$LXD_PROJECT" "$@" </dev/null; }

MIRROR=$(source_uri '/debian/?$' || true)
MIRROR=${MIRROR:-http://deb.debian.org/debian}
# What the image is made of: when that changes, so does the image.
made_of=$({ echo "$SUITE $INCLUDE" && declare -f build configure metadata && sources && apt_settings; } | sha256sum | cut -d' ' -f1)
make() {
  [ "$(cat "$FOLDER/made-of" 2>/dev/null)" != "$made_of" ] || return 0
  build
  echo "$made_of" >"$FOLDER/made-of"
}
locked image make
[ "${1:-}" != build ] || exit 0
if [ "$(lab image get-property "$IMAGE" made-of 2>/dev/null)" != "$made_of" ]; then
  say "importing the image"
  lab image delete "$IMAGE" >/dev/null 2>&1 || true
  lab image import "$FOLDER/metadata.tar.xz" "$FOLDER/rootfs.squashfs" --alias "$IMAGE" "made-of=$made_of" >/dev/null
fi
