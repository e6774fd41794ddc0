# shellcheck shell=bash
# Puts Kibana's location into the site's apache2.
# Values: FQDN. Files: file_location, file_ca.

APACHE_LOCATION=/etc/apache2/upstream/dhis2-siem
APACHE_MODULES=(proxy proxy_http ssl headers)

# other_apache_locations: prints the files with another <Location /siem>. apache2 uses the section that it reads last, also for
# who may enter. dhis2-tools-dab's es_siem leaves such a section.
other_apache_locations() {
  grep -lEi '^[[:space:]]*<Location[[:space:]]+"?/siem' /etc/apache2/upstream/* 2>/dev/null | grep -vxF "$APACHE_LOCATION" || true
}

apache2_location_apply() {
  local others
  others=$(other_apache_locations | paste -sd ' ')
  [ -z "$others" ] ||
    die "$others in $(hostname) has a <Location /siem>, which overrides this stack's: remove that file, then run the update again"
  back_up_file "$APACHE_LOCATION"
  put_file /etc/apache2/dhis2-siem-ca.crt 0644 root:root < <(file_ca)
  a2enmod -q "${APACHE_MODULES[@]}" >/dev/null
  put_file "$APACHE_LOCATION" 0644 root:root < <(file_location)
  ! changed /etc/apache2/dhis2-siem-ca.crt || CHANGED+=("$APACHE_LOCATION")
  apply_checked "apache2ctl configtest" "systemctl restart apache2" "$APACHE_LOCATION"
  apache2ctl -t -D DUMP_INCLUDES >"$WORK/apache" 2>/dev/null
  grep -qF "$APACHE_LOCATION" "$WORK/apache" ||
    die "no virtual host of apache2 reads $APACHE_LOCATION; add 'IncludeOptional upstream/*' to the virtual host of $FQDN in $(hostname)"
}

apache2_location_delete() {
  rm -f "$APACHE_LOCATION" /etc/apache2/dhis2-siem-ca.crt
}
