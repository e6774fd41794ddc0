# shellcheck shell=bash
# Runs in a container: gives Filebeat its own key, tests the way to Elasticsearch, starts it, and sees it deliver.
# Values: CONTAINER, GENERATION; secret: secret_api_key (id:key).

KEY_MARK=/var/lib/dhis2-siem/agent-key.sha256
STATS=/var/lib/filebeat/stats.sock

# acknowledged: has Elasticsearch taken anything? Filebeat 8.19 counts more in "output", before its "events".
acknowledged() {
  local events
  events=$(curl -fsS --max-time 5 --unix-socket "$STATS" http://filebeat/stats 2>/dev/null | tr -d ' \n' |
    sed -n 's/.*"output":{.*"events":{[^}]*"acked":\([0-9]*\).*/\1/p')
  [ "${events:-0}" -gt 0 ]
}

# blind: may this Filebeat be one that cannot read this journal? 8.19 asks journalctl for all boots, which systemd knows since 242;
# only later ones do without: https://github.com/elastic/beats/issues/48152
blind() {
  [[ $(dpkg-query -W -f '${Version}' filebeat) = 8.* ]] && ! journalctl -q -n 0 --boot all >/dev/null 2>&1
}

apply() {
  local sum
  sum=$(secret_api_key | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$KEY_MARK" 2>/dev/null)" != "$sum" ] || [ ! -e /var/lib/filebeat/filebeat.keystore ]; then
    [ -e /var/lib/filebeat/filebeat.keystore ] || filebeat keystore create >/dev/null
    printf '%s' "$(secret_api_key)" | filebeat keystore add SIEM_API_KEY --stdin --force >/dev/null
    chmod 0600 /var/lib/filebeat/filebeat.keystore
    (umask 077 && printf '%s\n' "$sum" >"$KEY_MARK")
    CHANGED+=("$KEY_MARK")
  fi
  local test
  for test in config output; do
    filebeat test "$test" >"$WORK/filebeat" 2>&1 || {
      tail -n 12 "$WORK/filebeat" >&2
      die "'filebeat test $test' fails in $CONTAINER; the agent was not started"
    }
  done
  systemctl enable -q filebeat
  if changed "$KEY_MARK" || ! systemctl is-active -q filebeat; then restart_checked filebeat; fi
  logger -t dhis2-siem "the agent of $CONTAINER is set up"
  wait_until 120 "the agent's first delivery" acknowledged || {
    journalctl -u filebeat -n 15 --no-pager -o cat >&2 || true
    ! blind || die "the agent of $CONTAINER cannot read the journal of $(journalctl --version | head -n 1), which is older than 242: set versions.filebeat to 7.17.29"
    die "the agent of $CONTAINER runs, but Elasticsearch has taken nothing from it"
  }
}

delete() {
  systemctl disable -q --now filebeat 2>/dev/null || true
  rm -f /var/lib/filebeat/filebeat.keystore "$KEY_MARK"
}

main() {
  begin key
  "$1"
  finish
}
