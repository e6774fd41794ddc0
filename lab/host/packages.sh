#!/usr/bin/env bash
# Installs the packages that the lab needs, from the machine's own package sources.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
LOG=$LOGS/packages.log

command -v apt-get >/dev/null || die "the lab needs Debian 12 or newer, or Ubuntu: there is no apt-get here"
packages=(ca-certificates curl gnupg unzip xz-utils procps iproute2 sudo openssh-client openssh-server
  gcc libc6-dev libsystemd-dev dpkg-dev apt-utils
  debootstrap debian-archive-keyring squashfs-tools dnsmasq-base nftables iptables python3)
command -v lxc >/dev/null || packages+=(lxd)
command -v java >/dev/null || packages+=(default-jre-headless)
command -v mvn >/dev/null || packages+=(maven)
command -v go >/dev/null || packages+=(python3-venv)

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for name in "${packages[@]}"; do
  installed "$name" || missing+=("$name")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

# apt ARGS...: runs apt-get; it waits up to ten minutes for another package manager.
apt() { apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" >>"$LOG" 2>&1; }

has_candidate() { [[ $(apt-cache policy "$1") == *"Candidate: "[0-9]* ]]; }

: >"$LOG"
say "installing ${missing[*]}"
apt update || fail_with_log "apt-get update failed" "$LOG"
# LXD is installed as a snap if the distribution has no package of it.
snap=""
if [[ " ${missing[*]} " == *" lxd "* ]] && ! has_candidate lxd; then
  snap=1
  kept=()
  for name in "${missing[@]}"; do [ "$name" = lxd ] || kept+=("$name"); done
  missing=(${kept[@]+"${kept[@]}"} snapd)
fi
# The lab runs its own sshd: the package's sshd must not open port 22 on a machine that had none.
masked=""
if [ -d /run/systemd/system ] && ! installed openssh-server; then
  masked=1
  systemctl mask -q ssh.service ssh.socket 2>>"$LOG"
fi
apt install --no-install-recommends "${missing[@]}" || fail_with_log "apt-get install failed" "$LOG"
if [ -n "$masked" ]; then
  systemctl unmask -q ssh.service ssh.socket 2>>"$LOG"
  systemctl disable -q ssh.service ssh.socket >>"$LOG" 2>&1 || true
fi
if [ -n "$snap" ]; then
  snap install lxd --channel=5.21/stable >>"$LOG" 2>&1 ||
    fail_with_log "LXD is neither a package of this distribution nor to be had as a snap" "$LOG"
fi
