# shellcheck shell=bash
# Puts Kibana's location into the site's nginx. After logging.sh, which defines reload_nginx and writes $WORK/nginx-logs.
# Values: FQDN. Files: file_location, file_ca, file_nginx_logging.

# nginx_site_logs: prints our log settings again, if the site's server has its own: then nginx ignores the settings of http there.
nginx_site_logs() {
  local directive
  for directive in access_log error_log; do
    ! grep -q "^site $directive " "$WORK/nginx-logs" || "$NGINX_SETTINGS" | sed -n "/^$directive /p"
  done
}

# nginx_location_apply [INCLUDE]: INCLUDE is what the site's server must include; it is shown if the server does not include it.
nginx_location_apply() {
  local include=${1:-upstream/*.conf} certificates=$NGINX_FOLDER/dhis2-siem-ca.crt
  back_up_file "$NGINX_LOCATION"
  put_file "$certificates" 0644 root:root < <(file_ca)
  put_file "$NGINX_LOCATION" 0644 root:root < <(file_location && nginx_site_logs)
  ! changed "$certificates" || CHANGED+=("$NGINX_LOCATION")
  apply_checked "$NGINX -t" reload_nginx "$NGINX_LOCATION"
  # Not with a pipe: grep ends early, and then nginx fails to write to it.
  "$NGINX" -T >"$WORK/nginx" 2>/dev/null
  grep -qF "# configuration file $NGINX_LOCATION" "$WORK/nginx" ||
    die "no server of $NGINX_UNIT reads $NGINX_LOCATION; add 'include $include;' to the server block of $FQDN in $(hostname)"
}

nginx_location_delete() {
  rm -f "$NGINX_LOCATION" "$NGINX_FOLDER/dhis2-siem-ca.crt"
}
