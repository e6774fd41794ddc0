# shellcheck shell=bash
# Sets up journald: it keeps all lines, up to a size.
# Files: file_system_logging.

JOURNALD_CONF=/etc/systemd/journald.conf.d/50-dhis2-siem.conf

system_logging_apply() {
  mkdir -p /var/log/journal
  put_file "$JOURNALD_CONF" 0644 root:root < <(file_system_logging)
  ! changed "$JOURNALD_CONF" || { systemctl restart systemd-journald && journalctl --flush; }
}

system_logging_delete() {
  rm -f "$JOURNALD_CONF"
  systemctl restart systemd-journald
}
