#!/usr/bin/env bash
# Runs in a container, from stdin: names what is installed there, one word a line. It changes nothing.
set -euo pipefail

# has WORD PATH...: the word, if one of the paths is there.
has() {
  local word=$1 path
  shift
  for path in "$@"; do
    if [ -e "$path" ]; then
      echo "$word"
      return 0
    fi
  done
}

has dhis2 /opt/dhis2
has tomcat {/etc,/lib,/usr/lib}/systemd/system/tomcat{,8,9,10,11}.service
has nginx /usr/sbin/nginx /usr/local/openresty/nginx/sbin/nginx
has apache2 /usr/sbin/apache2
has munin /usr/bin/munin-cron
has elasticsearch /usr/share/elasticsearch
has journal-remote /etc/systemd/system/sockets.target.wants/systemd-journal-remote.socket
for server in /usr/lib/postgresql/*/bin/postgres; do
  folder=${server%/bin/postgres}
  has "postgres${folder##*/}" "$server"
done
