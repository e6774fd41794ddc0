# shellcheck shell=bash
# Sets up munin-node's logging: to the journal.

MUNIN_CONF=/etc/munin/munin-node.conf

# Any container may have a munin-node, or none. The old line stays as a comment, so that delete can restore it.
munin_node_logging_apply() {
  [ -e "$MUNIN_CONF" ] || return 0
  ! grep -qE '^log_file Sys::Syslog$' "$MUNIN_CONF" || return 0
  sed -i -E 's/^(log_file .*)$/#dhis2-siem# \1\nlog_file Sys::Syslog/' "$MUNIN_CONF"
  systemctl restart munin-node
}

munin_node_logging_delete() {
  [ -e "$MUNIN_CONF" ] && grep -q '^#dhis2-siem# ' "$MUNIN_CONF" || return 0
  sed -i -E '/^log_file Sys::Syslog$/d; s/^#dhis2-siem# //' "$MUNIN_CONF"
  systemctl restart munin-node
}
