# shellcheck shell=bash
# Sends requests to Elasticsearch and Kibana from inside the SIEM's container, as the users whose passwords elastic-secrets.sh stored.

TLS=/var/lib/dhis2-siem/tls
SECRETS=/var/lib/dhis2-siem/secrets
ELASTICSEARCH=https://127.0.0.1:9200

# send_request USER[@SECRET] METHOD URL [BODY-FILE]: prints the HTTP status (000 if there is no response); the response's body is in
# $WORK/response, curl's error in $WORK/curl. The password is the stored secret SECRET (default: USER). It goes to curl on stdin.
send_request() {
  local body=()
  [ -z "${4:-}" ] || body=(-H 'Content-Type: application/json' --data-binary "@$4")
  printf 'user = "%s:%s"\n' "${1%@*}" "$(cat "$SECRETS/${1#*@}")" |
    curl -sS -K - --cacert "$TLS/ca.crt" --max-time 30 -o "$WORK/response" -w '%{http_code}' -X "$2" ${body[@]+"${body[@]}"} "$3" 2>"$WORK/curl" || true
}

# send_to_elasticsearch METHOD PATH [BODY-FILE]: as the superuser `elastic`.
send_to_elasticsearch() { send_request elastic "$1" "$ELASTICSEARCH/$2" "${3:-}"; }

# fail_request MESSAGE STATUS: ends the step with MESSAGE and Elasticsearch's response, or curl's error if there is no response.
fail_request() {
  [ "$2" != 000 ] || die "$1: Elasticsearch does not answer: $(tail -n 1 "$WORK/curl")"
  die "$1: Elasticsearch answers $2: $(head -c 300 "$WORK/response")"
}
