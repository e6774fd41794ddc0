# shellcheck shell=bash
# Runs in a container: what its agent needs, but for the key: logging, Filebeat (not started), its settings.
# Values: CONTAINER_TYPE, FILEBEAT_VERSION, GENERATION, and those of packages.sh; SOURCES, the programs whose logging is set
# up (sources/NAME/logging.sh), and PROXY, the one that gets Kibana's location (sources/NAME/location.sh), if any.
# Files: file_filebeat_yml, file_ca, and those of the sources and of health.sh.

# What render/filebeat.ts names, beside an inode, to know a file by.
FILEBEAT_MARKER=/var/lib/dhis2-siem/filebeat-marker

# mark_files: the marker, made once. With another marker every file is new to Filebeat. So its "first start" is forgotten too:
# then it reads none of what is already there.
mark_files() {
  [ ! -s "$FILEBEAT_MARKER" ] || return 0
  rm -f /var/lib/filebeat/meta.json
  # Without a line's end: all of it becomes part of a file's name. Put in place whole: Filebeat may be reading it.
  printf %s "$(cat /proc/sys/kernel/random/uuid)" >"$FILEBEAT_MARKER.new"
  mv "$FILEBEAT_MARKER.new" "$FILEBEAT_MARKER"
}

restart_filebeat() {
  filebeat test config >"$WORK/filebeat" 2>&1 || {
    tail -n 3 "$WORK/filebeat" >&2
    die "Filebeat refuses its configuration"
  }
  restart_checked filebeat
}

# each_source apply|delete: the sources' logging, in their order.
each_source() {
  local source
  for source in $SOURCES; do "${source}_logging_$1"; done
}

apply() {
  # One that somebody else set up would refuse settings without a key; the key's step starts it again.
  [ -e /var/lib/dhis2-siem/agent-key.sha256 ] || ! systemctl is-active -q filebeat || {
    say "a Filebeat runs here that is not the stack's: it is stopped, and set up anew"
    systemctl stop filebeat
  }
  each_source apply
  [ -z "$PROXY" ] || "${PROXY}_location_apply"
  health_apply
  elastic_package filebeat "$FILEBEAT_VERSION"
  mark_files
  put_file /etc/filebeat/dhis2-siem-ca.crt 0644 root:root < <(file_ca)
  put_file /etc/filebeat/filebeat.yml 0600 root:root < <(file_filebeat_yml)
  # The first start is the key's (key.sh); afterwards a change here restarts it.
  if systemctl is-active -q filebeat && changed package:filebeat /etc/filebeat/filebeat.yml /etc/filebeat/dhis2-siem-ca.crt; then
    restart_filebeat
  fi
}

delete() {
  health_delete
  [ -z "$PROXY" ] || "${PROXY}_location_delete"
  each_source delete
  say "removing Filebeat"
  systemctl disable -q --now filebeat 2>/dev/null || true
  if dpkg-query -W filebeat >/dev/null 2>&1; then
    apt-mark unhold filebeat >/dev/null
    apt_get purge filebeat
  fi
  rm -rf /etc/filebeat /var/lib/filebeat /var/log/filebeat
  remove_elastic_repository
}

main() {
  begin agent
  "$1"
  finish
  [ "$1" = apply ] || rm -rf /var/lib/dhis2-siem
}
