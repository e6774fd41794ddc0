# shellcheck shell=bash
# Runs in the SIEM's container: gives the relay its key and its destinations' secrets, starts it, and sees it look for alerts.
# Values: RULES (names of the destinations), GENERATION; secret: secret_relay (JSON).

RELAY=dhis2-siem-relay
SECRETS=/etc/$RELAY/secrets.json

looking() {
  local name
  systemctl is-active -q "$RELAY" || return 1
  journalctl -o cat "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID "$RELAY")" >"$WORK/journal" 2>/dev/null
  for name in $RULES; do grep -qxF "INFO $name: looks for alerts" "$WORK/journal" || return 1; done
}

apply() {
  put_file "$SECRETS" 0640 "root:$RELAY" < <(secret_relay)
  systemctl enable -q "$RELAY"
  if changed "$SECRETS" || ! systemctl is-active -q "$RELAY"; then restart_checked "$RELAY"; fi
  wait_until 120 "the relay's first look for alerts" looking || {
    journalctl -u "$RELAY" -n 15 --no-pager -o cat >&2 || true
    die "the relay does not look for alerts; the lines above are the end of its journal"
  }
}

delete() {
  systemctl disable -q --now "$RELAY" 2>/dev/null || true
  rm -f "$SECRETS" "${MARK%.unfinished}.files"
}

main() {
  begin relay-start
  "$1"
  finish
}
