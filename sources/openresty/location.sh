# shellcheck shell=bash
# Kibana's location in the site's openresty: nginx's (sources/nginx/location.sh). After logging.sh.

openresty_location_apply() {
  openresty_is_nginx
  # dhis2-server-tools includes each file of this folder by its name, and keeps static/FQDN.conf over its own runs.
  nginx_location_apply conf.d/upstream/dhis2-siem.conf
}

openresty_location_delete() {
  openresty_is_nginx
  nginx_location_delete
}
