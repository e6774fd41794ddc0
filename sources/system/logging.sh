# shellcheck shell=bash
# Sets up journald: it keeps all lines, up to a size that depends on the disk.
# Files: file_system_logging.

JOURNALD_CONF=/etc/systemd/journald.conf.d/50-dhis2-siem.conf

# journald_sizes MEGABYTES: prints how much of a disk of this size the journal uses: a tenth, from 512 MB to 4 GB, in at most 64 full
# files. It never uses the last twentieth of the disk.
journald_sizes() {
  local use=$(($1 / 10))
  use=$((use < 512 ? 512 : use > 4096 ? 4096 : use))
  printf 'SystemMaxUse=%dM\nSystemKeepFree=%dM\nSystemMaxFileSize=%dM\n' "$use" $(($1 / 20)) $((use / 64))
}

system_logging_apply() {
  mkdir -p /var/log/journal
  local size
  size=$(df -B1M --output=size /var/log/journal | tail -n 1) || die "df does not say how large the disk of /var/log/journal in $(hostname) is"
  put_file "$JOURNALD_CONF" 0644 root:root < <(file_system_logging && journald_sizes "$size")
  ! changed "$JOURNALD_CONF" || { systemctl restart systemd-journald && journalctl --flush; }
}

system_logging_delete() {
  rm -f "$JOURNALD_CONF"
  systemctl restart systemd-journald
}
