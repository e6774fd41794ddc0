# shellcheck shell=bash
# Sets up a timer that reports every minute whether the agent keeps up, and what was removed before it was sent
# (shipping-report.sh). agent.sh calls it, and the agent delivers the report: the lines are root's, so they do not wait behind a flood.
# Values: LOG_FILES (globs, separated by blanks; may be empty). Files: file_shipping_report.

SHIPPING=dhis2-siem-shipping
SHIPPING_PROGRAM=/usr/local/sbin/$SHIPPING
SHIPPING_SERVICE=/etc/systemd/system/$SHIPPING.service
SHIPPING_TIMER=/etc/systemd/system/$SHIPPING.timer

shipping_apply() {
  put_file "$SHIPPING_PROGRAM" 0755 root:root < <(file_shipping_report)
  # The identifier is that of all health reports. LogLevelMax: without systemd's three lines about each run. bash expands the globs in each run.
  put_file "$SHIPPING_SERVICE" 0644 root:root <<SERVICE
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Reports whether the agent keeps up with the logs

[Service]
Type=oneshot
ExecStart=/bin/bash -c '$SHIPPING_PROGRAM $LOG_FILES'
SyslogIdentifier=dhis2-siem-health
SyslogLevel=notice
LogLevelMax=notice
TimeoutStartSec=50
MemoryMax=128M
CPUWeight=50
SERVICE
  put_file "$SHIPPING_TIMER" 0644 root:root <<TIMER
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Reports every minute whether the agent keeps up with the logs

[Timer]
OnBootSec=1min
OnUnitInactiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
TIMER
  systemctl daemon-reload
  systemctl enable -q "$SHIPPING.timer"
  if changed "$SHIPPING_PROGRAM" "$SHIPPING_SERVICE" "$SHIPPING_TIMER" || ! systemctl is-active -q "$SHIPPING.timer"; then
    systemctl restart "$SHIPPING.timer"
    systemctl start --no-block "$SHIPPING.service"
  fi
}

shipping_delete() {
  systemctl disable -q --now "$SHIPPING.timer" 2>/dev/null || true
  rm -rf "$SHIPPING_PROGRAM" "$SHIPPING_SERVICE" "$SHIPPING_TIMER" /var/lib/dhis2-siem/shipping
  systemctl daemon-reload
}
