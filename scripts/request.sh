# shellcheck shell=bash
# Requests to Elasticsearch and Kibana from within the SIEM's container.

TLS=/var/lib/dhis2-siem/tls
# shellcheck disable=SC2034 # used by the scripts that follow
ELASTICSEARCH=https://127.0.0.1:9200

# request USER PASSWORD-FUNCTION METHOD URL [BODY-FILE]: the password goes to curl on stdin; prints the HTTP status, the body is in $WORK/answer.
request() {
  local body=()
  [ -z "${5:-}" ] || body=(-H 'Content-Type: application/json' --data-binary "@$5")
  printf 'user = "%s:%s"\n' "$1" "$("$2")" |
    curl -sS -K - --cacert "$TLS/ca.crt" --max-time 30 -o "$WORK/answer" -w '%{http_code}' -X "$3" ${body[@]+"${body[@]}"} "$4" 2>"$WORK/curl" || true
}
