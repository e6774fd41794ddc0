# shellcheck shell=bash
# Puts Kibana's location into the site's openresty, as into nginx (sources/nginx/location.sh). After logging.sh.

openresty_location_apply() {
  use_openresty
  # dhis2-server-tools includes each file of this folder by name, and does not overwrite static/FQDN.conf.
  nginx_location_apply conf.d/upstream/dhis2-siem.conf
}

openresty_location_delete() {
  use_openresty
  nginx_location_delete
}
