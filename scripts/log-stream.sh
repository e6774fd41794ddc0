# shellcheck shell=bash
# Runs in the SIEM's container, after request.sh: brings the log stream that is there under its template. A template's
# mappings and settings count from a stream's next index on, and its retention for a stream that is still to be made:
# https://www.elastic.co/guide/en/elasticsearch/reference/8.19/tutorial-manage-existing-data-stream.html
# Values: DATA_STREAM, RETENTION, TEMPLATE (the SHA-256 of what the template makes), GENERATION.

APPLIED=/var/lib/dhis2-siem/log-stream

# retention: for all that the stream holds.
retention() {
  local status
  printf '{"data_retention":"%s"}' "$RETENTION" >"$WORK/lifecycle"
  status=$(ask PUT "_data_stream/$DATA_STREAM/_lifecycle" "$WORK/lifecycle")
  case $status in
    200 | 404) return 0 ;; # 404: nothing has been written yet, and the template will serve
  esac
  # Not the vendor's whole Elasticsearch: nothing deletes old lines there anyhow.
  grep -qi 'no handler found' "$WORK/answer" || refused "the retention of $DATA_STREAM cannot be set" "$status"
  say "this Elasticsearch has no lifecycle of data streams: $DATA_STREAM is kept for ever"
}

# rollover: the stream's next index begins, once for each template.
rollover() {
  local status
  [ "$(cat "$APPLIED" 2>/dev/null)" != "$DATA_STREAM $TEMPLATE" ] || return 0
  status=$(ask POST "$DATA_STREAM/_rollover")
  case $status in
    200) say "$DATA_STREAM goes on in a new index, as its template now says" ;;
    404) ;;
    *) refused "$DATA_STREAM cannot go on in a new index" "$status" ;;
  esac
  printf '%s\n' "$DATA_STREAM $TEMPLATE" >"$APPLIED"
}

main() {
  # The stream goes with the container that it is in.
  [ "$1" = apply ] || return 0
  begin log-stream
  retention
  rollover
  finish
}
