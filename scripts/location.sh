# shellcheck shell=bash
# Part of the settings of a proxy's container: Kibana's location in the site's nginx or apache2.
# Values: CONTAINER_TYPE, FQDN; files: file_location (empty in containers that are no proxy), file_ca. After journal.sh, which
# reloads nginx and knows what it logs.

APACHE_LOCATION=/etc/apache2/upstream/dhis2-siem
APACHE_MODULES=(proxy proxy_http ssl headers)

# nginx_site_logs: ours once more, for a server that has logs of its own: those of http do not count in it then.
nginx_site_logs() {
  local directive
  for directive in access_log error_log; do
    ! grep -q "^site $directive " "$WORK/nginx-logs" || file_nginx_logging | sed -n "/^$directive /p"
  done
}

nginx_location_apply() {
  local certificates=/etc/nginx/dhis2-siem-ca.crt
  keep_file "$NGINX_LOCATION"
  put_file "$certificates" 0644 root:root < <(file_ca)
  put_file "$NGINX_LOCATION" 0644 root:root < <(file_location && nginx_site_logs)
  ! changed "$certificates" || CHANGED+=("$NGINX_LOCATION")
  apply_checked "nginx -t" reload_nginx "$NGINX_LOCATION"
  # Into a file: a grep that ends early would break the pipe, and with it the pipeline.
  nginx -T >"$WORK/nginx" 2>/dev/null
  grep -qF "# configuration file $NGINX_LOCATION" "$WORK/nginx" ||
    die "no server of nginx reads $NGINX_LOCATION; add 'include upstream/*.conf;' to the server of $FQDN in $(hostname)"
}

# A section that is read after ours would win over it, and over whom it lets in; dhis2-tools-dab's es_siem leaves one.
other_apache_locations() {
  grep -lEi '^[[:space:]]*<Location[[:space:]]+"?/siem' /etc/apache2/upstream/* 2>/dev/null | grep -vxF "$APACHE_LOCATION" || true
}

apache_location_apply() {
  local others
  others=$(other_apache_locations | paste -sd ' ')
  [ -z "$others" ] ||
    die "$others in $(hostname) has a <Location /siem>, which would win over Kibana's: take that file away and run the update again"
  keep_file "$APACHE_LOCATION"
  put_file /etc/apache2/dhis2-siem-ca.crt 0644 root:root < <(file_ca)
  a2enmod -q "${APACHE_MODULES[@]}" >/dev/null
  put_file "$APACHE_LOCATION" 0644 root:root < <(file_location)
  ! changed /etc/apache2/dhis2-siem-ca.crt || CHANGED+=("$APACHE_LOCATION")
  apply_checked "apache2ctl configtest" "systemctl restart apache2" "$APACHE_LOCATION"
  apache2ctl -t -D DUMP_INCLUDES >"$WORK/apache" 2>/dev/null
  grep -qF "$APACHE_LOCATION" "$WORK/apache" ||
    die "no virtual host of apache2 reads $APACHE_LOCATION; add 'IncludeOptional upstream/*' to the one of $FQDN in $(hostname)"
}

location_apply() {
  [ -n "$(file_location)" ] || return 0
  case $CONTAINER_TYPE in
    nginx_proxy) nginx_location_apply ;;
    apache_proxy) apache_location_apply ;;
  esac
}

location_delete() {
  rm -f "$NGINX_LOCATION" /etc/nginx/dhis2-siem-ca.crt "$APACHE_LOCATION" /etc/apache2/dhis2-siem-ca.crt
}
