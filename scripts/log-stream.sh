# shellcheck shell=bash
# Runs in the SIEM's container, after request.sh: applies a changed template to the existing log stream. A template's mappings
# and settings count only from the stream's next index on, and its retention only for a stream that is created later:
# https://www.elastic.co/guide/en/elasticsearch/reference/8.19/tutorial-manage-existing-data-stream.html
# Values: DATA_STREAM, RETENTION, TEMPLATE (the SHA-256 of the template's content), GENERATION.

APPLIED=/var/lib/dhis2-siem/log-stream

# set_retention: for all lines of the stream.
set_retention() {
  local status
  printf '{"data_retention":"%s"}' "$RETENTION" >"$WORK/lifecycle"
  status=$(send_to_elasticsearch PUT "_data_stream/$DATA_STREAM/_lifecycle" "$WORK/lifecycle")
  case $status in
    200 | 404) return 0 ;; # 404: there is no stream yet, and the template applies when it is created
  esac
  # An Elasticsearch without the vendor's own modules does not know lifecycles, and never deletes old lines.
  grep -qi 'no handler found' "$WORK/response" || fail_request "the retention of $DATA_STREAM cannot be set" "$status"
  say "this Elasticsearch has no lifecycle of data streams: the lines in $DATA_STREAM are never deleted"
}

# roll_over: starts the stream's next index, once for each template.
roll_over() {
  local status
  [ "$(cat "$APPLIED" 2>/dev/null)" != "$DATA_STREAM $TEMPLATE" ] || return 0
  status=$(send_to_elasticsearch POST "$DATA_STREAM/_rollover")
  case $status in
    200) say "$DATA_STREAM continues in a new index, because its template has changed" ;;
    404) ;;
    *) fail_request "$DATA_STREAM cannot continue in a new index" "$status" ;;
  esac
  printf '%s\n' "$DATA_STREAM $TEMPLATE" >"$APPLIED"
}

main() {
  # There is nothing to delete: the stream is deleted with the container.
  [ "$1" = apply ] || return 0
  begin log-stream
  set_retention
  roll_over
  finish
}
