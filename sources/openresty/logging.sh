# shellcheck shell=bash
# openresty's logging: nginx's (sources/nginx/logging.sh), with its own program, unit and folders.
# Files: file_openresty_logging.

openresty_is_nginx() {
  local home=/usr/local/openresty/nginx
  nginx_is "$home/sbin/nginx" openresty "$home/conf" conf.d/upstream "$home/logs" file_openresty_logging
}

openresty_logging_apply() {
  openresty_is_nginx
  nginx_logging_apply
}

openresty_logging_delete() {
  openresty_is_nginx
  nginx_logging_delete
}
