# shellcheck shell=bash
# Runs in a container: sets up everything that its agent needs except the key: logging, Filebeat and its settings. key.sh
# starts Filebeat.
# Values: CONTAINER_TYPE, FILEBEAT_VERSION, GENERATION, and those of packages.sh; SOURCES: the programs whose logging is set up
# (sources/NAME/logging.sh); PROXY: the program that gets Kibana's location (sources/NAME/location.sh), may be empty.
# Files: file_filebeat_yml, file_ca, and those of the sources, of health.sh and of shipping.sh.

# render/filebeat.ts identifies a log file by its inode and this file's text.
FILEBEAT_MARKER=/var/lib/dhis2-siem/filebeat-marker

# What Filebeat may use of the machine.
FILEBEAT_LIMITS=/etc/systemd/system/filebeat.service.d/50-dhis2-siem.conf

# filebeat_limits: prints the limits of Filebeat's service. filebeat.yml keeps it below them: about 60 MB and 60 files on a quiet
# machine. They hold where it does not, and Filebeat is started again, as often as it takes: it then goes on where it stopped.
# GOMEMLIMIT makes Go's runtime collect garbage before the kernel kills the process.
filebeat_limits() {
  cat <<'LIMITS'
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
StartLimitIntervalSec=0

[Service]
Environment=GOMEMLIMIT=120MiB
MemoryHigh=180M
MemoryMax=256M
LimitNOFILE=1024
TasksMax=256
CPUWeight=50
Restart=always
RestartSec=5
LIMITS
}

# create_filebeat_marker: writes the marker once. With another marker, every file is new to Filebeat. So this also makes Filebeat
# forget that it was started before: on a first start it does not read the lines that are already there.
create_filebeat_marker() {
  [ ! -s "$FILEBEAT_MARKER" ] || return 0
  rm -f /var/lib/filebeat/meta.json
  # Without a newline, because the whole text becomes part of a file's identity. mv, because Filebeat may be reading it.
  printf %s "$(cat /proc/sys/kernel/random/uuid)" >"$FILEBEAT_MARKER.new"
  mv "$FILEBEAT_MARKER.new" "$FILEBEAT_MARKER"
}

restart_filebeat() {
  filebeat test config >"$WORK/filebeat" 2>&1 || {
    tail -n 3 "$WORK/filebeat" >&2
    die "Filebeat in $(hostname) refuses its configuration; the lines above are the output of 'filebeat test config'"
  }
  restart_checked filebeat
}

# for_each_source apply|delete: sets up or removes the logging of every source, in the order of SOURCES.
for_each_source() {
  local source
  for source in $SOURCES; do "${source}_logging_$1"; done
}

apply() {
  # A Filebeat that somebody else set up does not start with our settings until it has a key. key.sh starts it again.
  [ -e /var/lib/dhis2-siem/agent-key.sha256 ] || ! systemctl is-active -q filebeat || {
    say "a Filebeat that this stack did not set up runs in $(hostname): stopping it and setting it up again"
    systemctl stop filebeat
  }
  for_each_source apply
  [ -z "$PROXY" ] || "${PROXY}_location_apply"
  health_apply
  shipping_apply
  elastic_package filebeat "$FILEBEAT_VERSION"
  create_filebeat_marker
  put_file /etc/filebeat/dhis2-siem-ca.crt 0644 root:root < <(file_ca)
  put_file /etc/filebeat/filebeat.yml 0600 root:root < <(file_filebeat_yml)
  put_file "$FILEBEAT_LIMITS" 0644 root:root < <(filebeat_limits)
  ! changed "$FILEBEAT_LIMITS" || systemctl daemon-reload
  # key.sh starts it for the first time. After that, a change here restarts it.
  if systemctl is-active -q filebeat && changed package:filebeat /etc/filebeat/filebeat.yml /etc/filebeat/dhis2-siem-ca.crt "$FILEBEAT_LIMITS"; then
    restart_filebeat
  fi
}

delete() {
  shipping_delete
  health_delete
  [ -z "$PROXY" ] || "${PROXY}_location_delete"
  for_each_source delete
  say "removing Filebeat"
  systemctl disable -q --now filebeat 2>/dev/null || true
  if dpkg-query -W filebeat >/dev/null 2>&1; then
    apt-mark unhold filebeat >/dev/null
    apt_get purge filebeat
  fi
  rm -rf /etc/filebeat /var/lib/filebeat /var/log/filebeat "$(dirname "$FILEBEAT_LIMITS")"
  systemctl daemon-reload
  remove_elastic_repository
}

main() {
  begin agent
  "$1"
  finish
  [ "$1" = apply ] || rm -rf /var/lib/dhis2-siem
}
