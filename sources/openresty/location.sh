# shellcheck shell=bash
# Kibana's location in the site's openresty: nginx's (sources/nginx/location.sh). After logging.sh.

openresty_location_apply() {
  openresty_settings
  # dhis2-server-tools keeps this file of the site's server over its own runs: static/FQDN.conf may hold the line.
  NGINX_INCLUDE=conf.d/upstream/dhis2-siem.conf
  nginx_location_apply
}

openresty_location_delete() {
  openresty_settings
  nginx_location_delete
}
