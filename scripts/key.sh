# shellcheck shell=bash
# Runs in a container: gives Filebeat its API key, tests the connection to Elasticsearch, starts Filebeat, and waits until it has
# delivered its first line.
# Values: CONTAINER, GENERATION; secret: secret_api_key (id:key).

KEY_SUM_FILE=/var/lib/dhis2-siem/agent-key.sha256
STATISTICS_SOCKET=/var/lib/filebeat/stats.sock

# has_delivered: has Elasticsearch acknowledged any event? In Filebeat 8.19 other counters stand in "output" before "events".
has_delivered() {
  local events
  events=$(curl -fsS --max-time 5 --unix-socket "$STATISTICS_SOCKET" http://filebeat/stats 2>/dev/null | tr -d ' \n' |
    sed -n 's/.*"output":{.*"events":{[^}]*"acked":\([0-9]*\).*/\1/p')
  [ "${events:-0}" -gt 0 ]
}

# cannot_read_journal: is this a Filebeat that cannot read this journal? Filebeat 8.19 calls `journalctl --boot all`, which needs
# systemd 242. Only later versions of Filebeat do not need it: https://github.com/elastic/beats/issues/48152
cannot_read_journal() {
  [[ $(dpkg-query -W -f '${Version}' filebeat) = 8.* ]] && ! journalctl -q -n 0 --boot all >/dev/null 2>&1
}

# warn_inotify: Filebeat notices new lines with inotify, of which the host has few for all its containers by default.
warn_inotify() {
  ! grep -q 'return code from Wait: -24\|too many open files' <<<"$(journalctl -u filebeat -n 200 --no-pager -o cat 2>/dev/null)" ||
    warn "the host has no inotify instance left for the agent of $CONTAINER, which may miss lines: set fs.inotify.max_user_instances=1024 in the host's /etc/sysctl.d, run 'sysctl --system' there, and raise the machine's generation"
}

apply() {
  local sum
  sum=$(secret_api_key | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$KEY_SUM_FILE" 2>/dev/null)" != "$sum" ] || [ ! -e /var/lib/filebeat/filebeat.keystore ]; then
    [ -e /var/lib/filebeat/filebeat.keystore ] || filebeat keystore create >/dev/null
    printf '%s' "$(secret_api_key)" | filebeat keystore add SIEM_API_KEY --stdin --force >/dev/null
    chmod 0600 /var/lib/filebeat/filebeat.keystore
    (umask 077 && printf '%s\n' "$sum" >"$KEY_SUM_FILE")
    CHANGED+=("$KEY_SUM_FILE")
  fi
  local test
  for test in config output; do
    filebeat test "$test" >"$WORK/filebeat" 2>&1 || {
      tail -n 12 "$WORK/filebeat" >&2
      die "'filebeat test $test' fails in $CONTAINER; the lines above are its output, and the agent was not started"
    }
  done
  systemctl enable -q filebeat
  if changed "$KEY_SUM_FILE" || ! systemctl is-active -q filebeat; then restart_checked filebeat; fi
  logger -t dhis2-siem "the agent of $CONTAINER is set up"
  wait_until 120 "the agent's first delivery" has_delivered || {
    journalctl -u filebeat -n 15 --no-pager -o cat >&2 || true
    ! cannot_read_journal || die "the agent of $CONTAINER cannot read the journal of $(journalctl --version | head -n 1), which is older than 242: set versions.filebeat to 7.17.29"
    die "the agent of $CONTAINER runs, but Elasticsearch accepted nothing from it within two minutes; the lines above are the end of its journal"
  }
  warn_inotify
}

delete() {
  systemctl disable -q --now filebeat 2>/dev/null || true
  rm -f /var/lib/filebeat/filebeat.keystore "$KEY_SUM_FILE"
}

main() {
  begin key
  "$1"
  finish
}
