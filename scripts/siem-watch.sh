# shellcheck shell=bash
# Sets up a timer in the SIEM's container that looks every minute whether the SIEM is as it was deployed (siem-watch.py), and
# reports to Elasticsearch with a key of its own.
# Value: GENERATION. Files: file_program, file_settings, file_ca; secret: secret_api_key (id:key).

WATCH=dhis2-siem-watch
WATCH_PROGRAM=/usr/local/sbin/$WATCH
WATCH_SERVICE=/etc/systemd/system/$WATCH.service
WATCH_TIMER=/etc/systemd/system/$WATCH.timer
WATCH_SETTINGS=/etc/$WATCH
WATCH_STATE=/var/lib/dhis2-siem/watch.json

watch_apply() {
  need_packages python3
  install -d -m 0700 "$WATCH_SETTINGS"
  put_file "$WATCH_SETTINGS/ca.crt" 0644 root:root < <(file_ca)
  put_file "$WATCH_SETTINGS/watch.json" 0644 root:root < <(file_settings)
  # Without put_file, which prints a hash of what it writes.
  (umask 077 && printf '%s' "$(secret_api_key)" | base64 -w 0 >"$WATCH_SETTINGS/key")
  put_file "$WATCH_PROGRAM" 0755 root:root < <(file_program)
  put_file "$WATCH_SERVICE" 0644 root:root <<SERVICE
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Looks whether the SIEM is as it was deployed

[Service]
Type=oneshot
ExecStart=$WATCH_PROGRAM
SyslogIdentifier=$WATCH
RuntimeDirectory=$WATCH
RuntimeDirectoryPreserve=yes
TimeoutStartSec=120
MemoryMax=256M
SERVICE
  put_file "$WATCH_TIMER" 0644 root:root <<TIMER
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Looks every minute whether the SIEM is as it was deployed

[Timer]
OnBootSec=2min
OnUnitInactiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
TIMER
  systemctl daemon-reload
  systemctl enable -q "$WATCH.timer"
  if changed "$WATCH_PROGRAM" "$WATCH_SERVICE" "$WATCH_TIMER" || ! systemctl is-active -q "$WATCH.timer"; then
    systemctl restart "$WATCH.timer"
  fi
  systemctl start "$WATCH.service" ||
    die "the SIEM's watch over itself fails; the service's journal ends with: $(journalctl -u "$WATCH.service" -n 3 --no-pager -o cat | paste -sd ' ')"
}

watch_delete() {
  systemctl disable -q --now "$WATCH.timer" 2>/dev/null || true
  rm -rf "$WATCH_PROGRAM" "$WATCH_SERVICE" "$WATCH_TIMER" "$WATCH_SETTINGS" "$WATCH_STATE"
  systemctl daemon-reload
}

main() {
  begin siem-watch
  "watch_$1"
  finish
}
