# shellcheck shell=bash
# Sets up apache2's logging: requests go to a file that the agent reads, errors to the journal.
# Values: CONTAINER_TYPE. Files: file_apache2_logging.

APACHE_CONF=/etc/apache2/conf-enabled/dhis2-siem.conf
# Earlier versions wrote the file here, and APACHE_CONF was a link to it. A backup of a link does not restore its target.
APACHE_AVAILABLE=/etc/apache2/conf-available/dhis2-siem.conf

reload_apache() { if systemctl is-active -q apache2; then systemctl reload apache2; fi; }

apache2_logging_apply() {
  command -v apache2ctl >/dev/null || die "$(hostname) is of type $CONTAINER_TYPE, but apache2 is not installed in it"
  # apache2 does not start with a link that leads nowhere, and an earlier version may have left such a link.
  [ -e "$APACHE_CONF" ] || rm -f "$APACHE_CONF"
  apache2ctl configtest >"$WORK/config-test" 2>&1 ||
    die "apache2's configuration is broken already; 'apache2ctl configtest' in $(hostname) says: $(paste -sd ' ' "$WORK/config-test")"
  back_up_file "$APACHE_CONF"
  put_file "$APACHE_CONF" 0644 root:root < <(file_apache2_logging)
  apply_checked "apache2ctl configtest" reload_apache "$APACHE_CONF"
  rm -f "$APACHE_AVAILABLE"
}

apache2_logging_delete() {
  rm -f "$APACHE_CONF" "$APACHE_AVAILABLE"
  ! command -v apache2ctl >/dev/null || reload_apache
  rm -f /var/log/apache2/dhis2-siem-access.log*
}
