# shellcheck shell=bash
# openresty's logging: nginx's (sources/nginx/logging.sh), with its own program, unit and folders.
# Files: file_openresty_logging.

openresty_settings() {
  NGINX=/usr/local/openresty/nginx/sbin/nginx
  NGINX_UNIT=openresty
  local folder=/usr/local/openresty/nginx
  NGINX_CONF=$folder/conf/conf.d/50-dhis2-siem.conf
  NGINX_LOCATION=$folder/conf/conf.d/upstream/dhis2-siem.conf
  NGINX_CA=$folder/conf/dhis2-siem-ca.crt
  NGINX_LOGS=$folder/logs
  file_nginx_logging() { file_openresty_logging; }
}

openresty_logging_apply() {
  openresty_settings
  nginx_logging_apply
}

openresty_logging_delete() {
  openresty_settings
  nginx_logging_delete
}
