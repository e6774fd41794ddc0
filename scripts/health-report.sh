#!/usr/bin/env bash
# A timer runs this in every container (scripts/health.sh). Prints one line of JSON for each path: for a certificate (*.crt) how
# much of its lifetime is over, else how full the path's disk is; both in percent.
# The lines go to the journal. They also show that the agent works in a container in which nothing else happens.
# The SIEM's own container has no agent: its lines also go to Elasticsearch, with curl's settings (and the key) in $CURL_SETTINGS.
set -euo pipefail
CURL_SETTINGS=/etc/dhis2-siem/health.curl

send() {
  printf '{"@timestamp":"%s","message":"%s","log":{"syslog":{"appname":"dhis2-siem-health"}},"dhis2":{"container":{"name":"%s","type":"es_siem"}}}' \
    "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "${1//\"/\\\"}" "$(hostname)" |
    curl -fsS -K "$CURL_SETTINGS" --max-time 20 -o /dev/null -H 'Content-Type: application/json' --data-binary @-
}

# disk_percent PATH: as Elasticsearch computes it for its watermarks: space that only root may use counts as used.
disk_percent() {
  local size free
  read -r size free < <(df -B1 --output=size,avail "$1" | tail -n 1) || return
  printf '%d' $((100 - 100 * free / size))
}

# certificate_percent PATH
certificate_percent() {
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
  used=$("${check}_percent" "$path")
  line=$(printf '{"check":"%s","path":"%s","used_percent":%d}' "$check" "$path" "$used")
  printf '%s\n' "$line"
  [ ! -e "$CURL_SETTINGS" ] || send "$line"
done
