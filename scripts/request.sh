# shellcheck shell=bash
# Requests to Elasticsearch and Kibana from within the SIEM's container, as the users whose passwords elastic-secrets.sh keeps.

TLS=/var/lib/dhis2-siem/tls
SECRETS=/var/lib/dhis2-siem/secrets
ELASTICSEARCH=https://127.0.0.1:9200

# request USER[@SECRET] METHOD URL [BODY-FILE]: the user's password, or what SECRET holds, goes to curl on stdin; prints the
# HTTP status, the body is in $WORK/answer.
request() {
  local body=()
  [ -z "${4:-}" ] || body=(-H 'Content-Type: application/json' --data-binary "@$4")
  printf 'user = "%s:%s"\n' "${1%@*}" "$(cat "$SECRETS/${1#*@}")" |
    curl -sS -K - --cacert "$TLS/ca.crt" --max-time 30 -o "$WORK/answer" -w '%{http_code}' -X "$2" ${body[@]+"${body[@]}"} "$3" 2>"$WORK/curl" || true
}

# ask METHOD PATH [BODY-FILE]: of Elasticsearch, as its superuser.
ask() { request elastic "$1" "$ELASTICSEARCH/$2" "${3:-}"; }

# refused WHAT STATUS: fails with Elasticsearch's words, or with curl's where there is no answer.
refused() {
  [ "$2" != 000 ] || die "$1: Elasticsearch does not answer: $(tail -n 1 "$WORK/curl")"
  die "$1: Elasticsearch answers $2: $(head -c 300 "$WORK/answer")"
}
