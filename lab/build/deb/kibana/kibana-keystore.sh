#!/bin/sh
export KBN_PATH_CONF="${KBN_PATH_CONF:-/etc/kibana}"
exec node /usr/share/kibana/kibana.js keystore "$@"
