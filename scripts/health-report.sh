#!/usr/bin/env bash
# Runs from a timer in every container (scripts/health.sh): one line of JSON for each path, how full its disk is.
# The lines go to the journal; they are also the sign of life of a container in which nothing else happens.
# In the SIEM's own container, which has no agent, they go to Elasticsearch, by curl's settings in $SEND (with the key).
set -euo pipefail
SEND=/etc/dhis2-siem/health.curl

send() {
  printf '{"@timestamp":"%s","message":"%s","log":{"syslog":{"appname":"dhis2-siem-health"}},"dhis2":{"container":{"name":"%s","type":"es_siem"}}}' \
    "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "${1//\"/\\\"}" "$(hostname)" |
    curl -fsS -K "$SEND" --max-time 20 -o /dev/null -H 'Content-Type: application/json' --data-binary @-
}

for path in "$@"; do
  # As Elasticsearch counts for its watermarks: what root alone may still use is not free.
  read -r size free < <(df -B1 --output=size,avail "$path" | tail -n 1)
  line=$(printf '{"check":"disk","path":"%s","used_percent":%d}' "$path" $((100 - 100 * free / size)))
  printf '%s\n' "$line"
  [ ! -e "$SEND" ] || send "$line"
done
