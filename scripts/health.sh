# shellcheck shell=bash
# Sets up a timer that reports every five minutes how full a container's disks are (health-report.sh).
# In most containers agent.sh calls it, and the agent delivers the report. In the SIEM's own container this script is the whole
# step, and the report goes to Elasticsearch with a key of its own.
# Values: HEALTH_PATHS (of disks and certificates, separated by blanks); in the SIEM's container also DATA_STREAM, GENERATION.
# Files: file_health_report; in the SIEM's container also file_ca and secret_api_key (id:key).

HEALTH=dhis2-siem-health
HEALTH_PROGRAM=/usr/local/sbin/$HEALTH
HEALTH_SERVICE=/etc/systemd/system/$HEALTH.service
HEALTH_TIMER=/etc/systemd/system/$HEALTH.timer
HEALTH_SETTINGS=/etc/dhis2-siem

health_apply() {
  put_file "$HEALTH_PROGRAM" 0755 root:root < <(file_health_report)
  put_file "$HEALTH_SERVICE" 0644 root:root <<SERVICE
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Reports how full the disks are

[Service]
Type=oneshot
ExecStart=$HEALTH_PROGRAM $HEALTH_PATHS
SyslogIdentifier=$HEALTH
SERVICE
  put_file "$HEALTH_TIMER" 0644 root:root <<TIMER
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Reports every five minutes how full the disks are

[Timer]
OnBootSec=1min
OnUnitActiveSec=5min
AccuracySec=10s

[Install]
WantedBy=timers.target
TIMER
  systemctl daemon-reload
  systemctl enable -q "$HEALTH.timer"
  if changed "$HEALTH_PROGRAM" "$HEALTH_SERVICE" "$HEALTH_TIMER" || ! systemctl is-active -q "$HEALTH.timer"; then
    systemctl restart "$HEALTH.timer"
    systemctl start --no-block "$HEALTH.service"
  fi
}

health_delete() {
  systemctl disable -q --now "$HEALTH.timer" 2>/dev/null || true
  rm -rf "$HEALTH_PROGRAM" "$HEALTH_SERVICE" "$HEALTH_TIMER" "$HEALTH_SETTINGS"
  systemctl daemon-reload
}

# configure_health_sending: writes curl's settings for the SIEM's own report. Without put_file, which prints a hash of what it
# writes: here it is the key.
configure_health_sending() {
  install -d -m 0700 "$HEALTH_SETTINGS"
  put_file "$HEALTH_SETTINGS/ca.crt" 0644 root:root < <(file_ca)
  (
    umask 077
    printf 'url = "https://127.0.0.1:9200/%s/_doc"\ncacert = "%s/ca.crt"\nheader = "Authorization: ApiKey %s"\n' \
      "$DATA_STREAM" "$HEALTH_SETTINGS" "$(printf '%s' "$(secret_api_key)" | base64 -w 0)" >"$HEALTH_SETTINGS/health.curl"
  )
}

main() {
  begin health
  if [ "$1" = apply ]; then
    configure_health_sending
    health_apply
    systemctl start "$HEALTH.service" ||
      die "the SIEM's own report cannot be made or cannot be written to Elasticsearch; the service's journal ends with: $(journalctl -u "$HEALTH.service" -n 3 --no-pager -o cat | paste -sd ' ')"
  else
    health_delete
  fi
  finish
}
