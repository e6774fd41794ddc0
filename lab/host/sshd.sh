#!/usr/bin/env bash
# The lab's own SSH server on 127.0.0.1, and an unprivileged login with `sudo -n`, as the stack expects them on a server.
#   sshd.sh up | down | status
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
PIDFILE=$RUN/sshd.pid

# listening: succeeds if the server answers with the lab's own host key.
listening() {
  [[ $(ssh-keyscan -T 2 -p "$SSH_PORT" -t ed25519 127.0.0.1 2>/dev/null) == *"$(cut -d' ' -f2 "$STATE/ssh_host_key.pub")"* ]]
}

login() {
  id "$LOGIN" >/dev/null 2>&1 || {
    say "login $LOGIN"
    useradd --create-home --shell /bin/bash "$LOGIN"
    # The account has no password, but it is not locked, because sshd refuses locked accounts.
    usermod --password '*' "$LOGIN"
  }
  install -d -m 0700 -o "$LOGIN" -g "$LOGIN" "/home/$LOGIN/.ssh"
  install -m 0600 -o "$LOGIN" -g "$LOGIN" "$STATE/id_ed25519.pub" "/home/$LOGIN/.ssh/authorized_keys"
  printf '%s ALL=(ALL) NOPASSWD: ALL\n' "$LOGIN" >"$STATE/sudoers"
  visudo -cqf "$STATE/sudoers" || die "visudo refuses the lab's sudoers file $STATE/sudoers"
  install -m 0440 "$STATE/sudoers" "$SUDOERS"
}

up() {
  local key
  for key in ssh_host_key id_ed25519; do
    [ -e "$STATE/$key" ] || ssh-keygen -q -t ed25519 -N '' -C dhis2-siem-lab -f "$STATE/$key"
  done
  login
  ! alive "$PIDFILE" || ! listening || return 0
  stop "$PIDFILE"
  cat >"$STATE/sshd_config" <<CONFIG
ListenAddress 127.0.0.1
Port $SSH_PORT
HostKey "$STATE/ssh_host_key"
PidFile "$PIDFILE"
AllowUsers $LOGIN
AllowTcpForwarding yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
UsePAM no
Subsystem sftp internal-sftp
CONFIG
  mkdir -p /run/sshd
  say "SSH server on 127.0.0.1:$SSH_PORT"
  "$(command -v sshd)" -f "$STATE/sshd_config" -E "$LOGS/sshd.log" || fail_with_log "sshd does not start" "$LOGS/sshd.log"
  wait_for 20 "the SSH server (is port $SSH_PORT taken? its log: $LOGS/sshd.log)" listening
}

# By the real user, because a sudo of this login runs as root.
no_processes() { ! pgrep -U "$LOGIN" >/dev/null; }

down() {
  stop "$PIDFILE"
  rm -f "$SUDOERS"
  id "$LOGIN" >/dev/null 2>&1 || return 0
  # An interrupted session can ignore other signals.
  pkill -KILL -U "$LOGIN" || true
  wait_for 20 "the end of $LOGIN's processes" no_processes
  userdel --remove "$LOGIN" 2>"$STATE/userdel" || die "the login $LOGIN cannot be removed: $(cat "$STATE/userdel")"
}

case ${1:-} in
  up) up ;;
  down) down ;;
  status) alive "$PIDFILE" && echo "up on 127.0.0.1:$SSH_PORT" ;;
  *) die "usage: sshd.sh up | down | status" ;;
esac
