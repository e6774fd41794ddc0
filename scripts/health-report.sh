#!/usr/bin/env bash
# Runs from a timer in every container (scripts/health.sh): one line of JSON for each path, how full its disk is, or how
# much of a certificate's time is over (*.crt).
# The lines go to the journal; they are also the sign of life of a container in which nothing else happens.
# In the SIEM's own container, which has no agent, they go to Elasticsearch, by curl's settings in $SEND (with the key).
set -euo pipefail
SEND=/etc/dhis2-siem/health.curl

send() {
  printf '{"@timestamp":"%s","message":"%s","log":{"syslog":{"appname":"dhis2-siem-health"}},"dhis2":{"container":{"name":"%s","type":"es_siem"}}}' \
    "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "${1//\"/\\\"}" "$(hostname)" |
    curl -fsS -K "$SEND" --max-time 20 -o /dev/null -H 'Content-Type: application/json' --data-binary @-
}

# disk PATH: as Elasticsearch counts for its watermarks: what root alone may still use is not free.
disk() {
  local size free
  read -r size free < <(df -B1 --output=size,avail "$1" | tail -n 1) || return
  printf '%d' $((100 - 100 * free / size))
}

# certificate PATH
certificate() {
  local dates from to
  dates=$(openssl x509 -in "$1" -noout -dates) || return
  from=$(date -d "$(sed -n 's/^notBefore=//p' <<<"$dates")" +%s)
  to=$(date -d "$(sed -n 's/^notAfter=//p' <<<"$dates")" +%s)
  printf '%d' $((100 * ($(date +%s) - from) / (to - from)))
}

for path in "$@"; do
  case $path in
    *.crt) check=certificate ;;
    *) check=disk ;;
  esac
  used=$("$check" "$path")
  line=$(printf '{"check":"%s","path":"%s","used_percent":%d}' "$check" "$path" "$used")
  printf '%s\n' "$line"
  [ ! -e "$SEND" ] || send "$line"
done
