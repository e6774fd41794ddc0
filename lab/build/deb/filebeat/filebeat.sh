#!/bin/sh
exec /usr/share/filebeat/bin/filebeat --path.home /usr/share/filebeat --path.config /etc/filebeat \
  --path.data /var/lib/filebeat --path.logs /var/log/filebeat "$@"
