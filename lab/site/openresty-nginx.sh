#!/bin/sh
# Debian's nginx as openresty: the same program with openresty's folder and settings.
exec /usr/sbin/nginx -p /usr/local/openresty/nginx/ -c /usr/local/openresty/nginx/conf/nginx.conf "$@"
