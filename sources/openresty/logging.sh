# shellcheck shell=bash
# Sets up openresty's logging, as nginx's (sources/nginx/logging.sh), with its own program, unit and folders.
# Files: file_openresty_logging.

use_openresty() {
  local home=/usr/local/openresty/nginx
  use_nginx "$home/sbin/nginx" openresty "$home/conf" conf.d/upstream "$home/logs" file_openresty_logging
}

openresty_logging_apply() {
  use_openresty
  nginx_logging_apply
}

openresty_logging_delete() {
  use_openresty
  nginx_logging_delete
}
