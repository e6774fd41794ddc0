# shellcheck shell=bash
# Kibana's location in the site's nginx. After logging.sh, which reloads nginx and knows what it logs.
# Values: FQDN; files: file_location, file_ca, file_nginx_logging.

# nginx_site_logs: ours once more, for a server that has logs of its own: those of http do not count in it then.
nginx_site_logs() {
  local directive
  for directive in access_log error_log; do
    ! grep -q "^site $directive " "$WORK/nginx-logs" || "$NGINX_SETTINGS" | sed -n "/^$directive /p"
  done
}

# nginx_location_apply [INCLUDE]: INCLUDE is what the site's server should include, for the error that it does not.
nginx_location_apply() {
  local include=${1:-upstream/*.conf} certificates=$NGINX_FOLDER/dhis2-siem-ca.crt
  keep_file "$NGINX_LOCATION"
  put_file "$certificates" 0644 root:root < <(file_ca)
  put_file "$NGINX_LOCATION" 0644 root:root < <(file_location && nginx_site_logs)
  ! changed "$certificates" || CHANGED+=("$NGINX_LOCATION")
  apply_checked "$NGINX -t" reload_nginx "$NGINX_LOCATION"
  # Into a file: a grep that ends early would break the pipe, and with it the pipeline.
  "$NGINX" -T >"$WORK/nginx" 2>/dev/null
  grep -qF "# configuration file $NGINX_LOCATION" "$WORK/nginx" ||
    die "no server of $NGINX_UNIT reads $NGINX_LOCATION; add 'include $include;' to the server of $FQDN in $(hostname)"
}

nginx_location_delete() {
  rm -f "$NGINX_LOCATION" "$NGINX_FOLDER/dhis2-siem-ca.crt"
}
