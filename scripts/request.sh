# shellcheck shell=bash
# Requests to Elasticsearch and Kibana from within the SIEM's container, as the users whose passwords elastic-secrets.sh keeps.

TLS=/var/lib/dhis2-siem/tls
SECRETS=/var/lib/dhis2-siem/secrets
# shellcheck disable=SC2034 # for the scripts that follow
ELASTICSEARCH=https://127.0.0.1:9200

# request USER[@SECRET] METHOD URL [BODY-FILE]: the user's password, or what SECRET holds, goes to curl on stdin; prints the
# HTTP status, the body is in $WORK/answer.
request() {
  local body=()
  [ -z "${4:-}" ] || body=(-H 'Content-Type: application/json' --data-binary "@$4")
  printf 'user = "%s:%s"\n' "${1%@*}" "$(cat "$SECRETS/${1#*@}")" |
    curl -sS -K - --cacert "$TLS/ca.crt" --max-time 30 -o "$WORK/answer" -w '%{http_code}' -X "$2" ${body[@]+"${body[@]}"} "$3" 2>"$WORK/curl" || true
}
