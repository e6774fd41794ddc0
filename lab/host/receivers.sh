#!/usr/bin/env bash
# The receivers of the lab's alerts: a mail server and a webhook server on the lab's bridge (lab/receivers).
#   receivers.sh up | down | status
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
FOLDER=$STATE/receivers
PIDFILE=$RUN/receivers.pid
PORTS=(2525 8443)

listening() {
  local port
  for port in "${PORTS[@]}"; do (: <"/dev/tcp/$BRIDGE_ADDRESS/$port") 2>/dev/null || return 1; done
}

up() {
  mkdir -p "$FOLDER"
  [ -e "$FOLDER/password" ] || (umask 077 && openssl rand -hex 16 | tr -d '\n' >"$FOLDER/password")
  [ -e "$FOLDER/cert.pem" ] ||
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=receivers.lab.test -addext "subjectAltName=IP:$BRIDGE_ADDRESS" \
      -keyout "$FOLDER/key.pem" -out "$FOLDER/cert.pem" 2>/dev/null
  ! alive "$PIDFILE" || ! listening || return 0
  stop "$PIDFILE"
  say "mail server and webhook receiver on $BRIDGE_ADDRESS"
  setsid node -r "$ROOT/core/register.js" "$ROOT/lab/receivers/main.ts" </dev/null >"$LOGS/receivers.log" 2>&1 &
  echo $! >"$PIDFILE"
  wait_for 30 "the receivers (their log: $LOGS/receivers.log)" listening
}

case ${1:-} in
  up) up ;;
  down) stop "$PIDFILE" ;;
  status) alive "$PIDFILE" && echo "up on $BRIDGE_ADDRESS" ;;
  *) die "usage: receivers.sh up | down | status" ;;
esac
