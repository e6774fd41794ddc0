#!/usr/bin/env bash
# Runs in a container as root, from stdin. It says what is there, in lines of JSON, and changes nothing.
#   bash -s -- PATH...     the files that the stack put in place
set -euo pipefail
export LC_ALL=C
TLS=/var/lib/dhis2-siem/tls

clean() { printf '%s' "$1" | tr -d '[:cntrl:]"\134'; }

# say FACT KEY VALUE
say() { printf '{"fact":"%s","key":"%s","value":"%s"}\n' "$1" "$(clean "$2")" "$(clean "$3")"; }

for unit in filebeat elasticsearch kibana dhis2-siem-relay; do
  say unit "$unit" "$(systemctl is-active "$unit" 2>/dev/null || true)"
done

for package in filebeat elasticsearch kibana; do
  # "hold installed 8.19.8"
  status=$(dpkg-query -W -f '${db:Status-Want} ${db:Status-Status} ${Version}' "$package" 2>/dev/null || true)
  [ -z "$status" ] || say package "$package" "$status"
done

for path in "$@"; do
  say file "$path" "$(sha256sum 2>/dev/null <"$path" | cut -d' ' -f1 || true)"
done

# What each source looks at (sources/NAME/verify.sh).
look_at_sources

# The rest is the SIEM's own container.
[ -e "$TLS/ca.crt" ] || exit 0

for path in "$TLS/ca.crt" /etc/elasticsearch/certs/server.crt /etc/kibana/certs/server.crt; do
  say certificate "$path" "$(openssl x509 -in "$path" -noout -enddate 2>/dev/null | cut -d= -f2 || true)"
done

# Who may reach the SIEM's ports, as nft has it: the addresses of each set, and the rule that rejects everybody else.
for name in elasticsearch kibana networks; do
  say firewall "$name" "$(nft list set inet dhis2_siem "$name" 2>/dev/null | tr -d '\n\t ' | sed -n 's/.*elements={\([^}]*\)}.*/\1/p')"
done
say firewall reject "$(nft -s list chain inet dhis2_siem input 2>/dev/null | sed -n 's/^[[:space:]]*\(.*reject.*\)$/\1/p')"

df -B1 --output=size,avail,target / /var/lib/elasticsearch /var/log/elasticsearch 2>/dev/null |
  while read -r size free mount; do
    [ "$size" = 1B-blocks ] || say disk "$mount" "$size $free"
  done
