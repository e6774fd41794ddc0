# shellcheck shell=bash
# Runs in the SIEM's container: gives the relay its API key and its destinations' secrets, starts it, and waits until it looks for
# alerts.
# Values: RULES (names of the destinations), GENERATION; secret: secret_relay (JSON).

RELAY=dhis2-siem-relay
SECRETS_FILE=/etc/$RELAY/secrets.json

# looks_for_alerts: does the running relay look for the alerts of every destination (siem_relay.py writes this line)?
looks_for_alerts() {
  local name
  systemctl is-active -q "$RELAY" || return 1
  journalctl -o cat "_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID "$RELAY")" >"$WORK/journal" 2>/dev/null
  for name in $RULES; do grep -qxF "INFO $name: looks for alerts" "$WORK/journal" || return 1; done
}

apply() {
  put_file "$SECRETS_FILE" 0640 "root:$RELAY" < <(secret_relay)
  systemctl enable -q "$RELAY"
  if changed "$SECRETS_FILE" || ! systemctl is-active -q "$RELAY"; then restart_checked "$RELAY"; fi
  wait_until 120 "the relay's first look for alerts" looks_for_alerts || {
    journalctl -u "$RELAY" -n 15 --no-pager -o cat >&2 || true
    die "the relay does not look for alerts of every destination; the lines above are the end of its journal"
  }
}

delete() {
  systemctl disable -q --now "$RELAY" 2>/dev/null || true
  rm -f "$SECRETS_FILE" "${UNFINISHED%.unfinished}.files"
}

main() {
  begin relay-start
  "$1"
  finish
}
