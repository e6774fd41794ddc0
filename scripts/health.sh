# shellcheck shell=bash
# A timer that says every five minutes how full a container's disks are. Agents bring its lines in; in the SIEM's own
# container, main is this script's, and the lines go by a key of their own.
# Values: HEALTH_PATHS (of disks and certificates, separated by blanks); in the SIEM's container DATA_STREAM, GENERATION;
# files: file_health_report; in the SIEM's container file_ca and secret_api_key (id:key).

HEALTH=dhis2-siem-health
HEALTH_PROGRAM=/usr/local/sbin/$HEALTH
HEALTH_SERVICE=/etc/systemd/system/$HEALTH.service
HEALTH_TIMER=/etc/systemd/system/$HEALTH.timer
HEALTH_SEND=/etc/dhis2-siem

health_apply() {
  put_file "$HEALTH_PROGRAM" 0755 root:root < <(file_health_report)
  put_file "$HEALTH_SERVICE" 0644 root:root <<SERVICE
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Says how full the disks are

[Service]
Type=oneshot
ExecStart=$HEALTH_PROGRAM $HEALTH_PATHS
SyslogIdentifier=$HEALTH
SERVICE
  put_file "$HEALTH_TIMER" 0644 root:root <<TIMER
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Says every five minutes how full the disks are

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
  rm -rf "$HEALTH_PROGRAM" "$HEALTH_SERVICE" "$HEALTH_TIMER" "$HEALTH_SEND"
  systemctl daemon-reload
}

# health_way: how the SIEM's own lines get to Elasticsearch. Not by put_file: its sum would be the key's.
health_way() {
  install -d -m 0700 "$HEALTH_SEND"
  put_file "$HEALTH_SEND/ca.crt" 0644 root:root < <(file_ca)
  (
    umask 077
    printf 'url = "https://127.0.0.1:9200/%s/_doc"\ncacert = "%s/ca.crt"\nheader = "Authorization: ApiKey %s"\n' \
      "$DATA_STREAM" "$HEALTH_SEND" "$(printf '%s' "$(secret_api_key)" | base64 -w 0)" >"$HEALTH_SEND/health.curl"
  )
}

main() {
  begin health
  if [ "$1" = apply ]; then
    health_way
    health_apply
    systemctl start "$HEALTH.service" ||
      die "the SIEM's own state cannot be seen, or written to Elasticsearch: $(journalctl -u "$HEALTH.service" -n 3 --no-pager -o cat | paste -sd ' ')"
  else
    health_delete
  fi
  finish
}
