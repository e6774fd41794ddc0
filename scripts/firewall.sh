# shellcheck shell=bash
# Runs in the SIEM's container, after packages.sh: closes the SIEM's ports to everybody but the addresses in file_firewall.
# The rules are loaded before Elasticsearch and Kibana start. They have a table of their own; no other rule is touched.
# Values: GENERATION. Files: file_firewall.

FIREWALL=dhis2-siem-firewall
FIREWALL_TABLE="inet dhis2_siem"
# Not in /etc/dhis2-siem, which health.sh deletes.
FIREWALL_RULES=/etc/dhis2-siem-firewall.nft
FIREWALL_UNIT=/etc/systemd/system/$FIREWALL.service

firewall_is_loaded() {
  # shellcheck disable=SC2086 # a family and a name
  nft list table $FIREWALL_TABLE >/dev/null 2>&1
}

firewall_apply() {
  need_packages nftables
  put_file "$FIREWALL_RULES" 0644 root:root < <(file_firewall)
  # If an administrator's rules are loaded again (nftables.service deletes all rules first), these rules are loaded again, too.
  put_file "$FIREWALL_UNIT" 0644 root:root <<UNIT
# Written by dhis2-siem; changes made here are lost at its next update.
[Unit]
Description=Closes the ports of Elasticsearch and Kibana to all but the site's machines
After=nftables.service ufw.service
Before=elasticsearch.service kibana.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f $FIREWALL_RULES
ExecReload=/usr/sbin/nft -f $FIREWALL_RULES
ExecStop=-/usr/sbin/nft delete table $FIREWALL_TABLE

[Install]
WantedBy=multi-user.target
UNIT
  nft -c -f "$FIREWALL_RULES" 2>"$WORK/nft" ||
    die "nft in $(hostname) refuses the rules for the SIEM's ports: $(head -n 1 "$WORK/nft"); if it names no line, run 'modprobe nf_tables' on the LXD host"
  systemctl daemon-reload
  systemctl enable -q "$FIREWALL"
  if changed "$FIREWALL_RULES" "$FIREWALL_UNIT" || ! systemctl is-active -q "$FIREWALL" || ! firewall_is_loaded; then
    # A reload replaces all rules at once. A restart would open the ports for a moment.
    systemctl reload-or-restart "$FIREWALL" || die "the rules for the SIEM's ports cannot be loaded; 'journalctl -u $FIREWALL' in $(hostname) shows why"
  fi
}

firewall_delete() {
  systemctl disable -q --now "$FIREWALL" 2>/dev/null || true
  rm -f "$FIREWALL_RULES" "$FIREWALL_UNIT"
  systemctl daemon-reload
  # shellcheck disable=SC2086 # a family and a name
  ! firewall_is_loaded || nft delete table $FIREWALL_TABLE
}

main() {
  begin firewall
  "firewall_$1"
  finish
}
