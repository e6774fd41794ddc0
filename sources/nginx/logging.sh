# shellcheck shell=bash
# nginx's logging: its requests and errors to the journal, beside the logs that it writes already.
# Files: file_nginx_logging.

# nginx_is PROGRAM UNIT FOLDER SITE LOGS SETTINGS: which server this is about. FOLDER has its settings, and SITE in it what the
# site's server includes; LOGS is where it logs when nothing says where; SETTINGS prints its log settings.
nginx_is() {
  NGINX=$1
  NGINX_UNIT=$2
  NGINX_FOLDER=$3
  NGINX_CONF=$NGINX_FOLDER/conf.d/50-dhis2-siem.conf
  NGINX_LOCATION=$NGINX_FOLDER/$4/dhis2-siem.conf
  NGINX_LOGS=$5
  NGINX_SETTINGS=$6
}

nginx_is nginx nginx /etc/nginx upstream /var/log/nginx file_nginx_logging

reload_nginx() { if systemctl is-active -q "$NGINX_UNIT"; then systemctl reload "$NGINX_UNIT"; fi; }

# nginx_logs: from `nginx -T` on stdin, each access_log and error_log that is not ours, as "DEPTH DIRECTIVE VALUE": 0 for
# nginx.conf itself, 1 for its http, more for a server or location; "site" for the server that reads upstream/, and for the
# files that it includes. Included files begin where Debian and the tools of DHIS2 include them.
nginx_logs() {
  awk -v ours="$NGINX_CONF:" -v location="$NGINX_LOCATION:" '
    function end_of_server(  i) {
      for (i = 1; i <= n; i++) print (site ? "site" : "2"), logs[i]
      for (i = 1; i <= m; i++) if (site) of_site[includes[i]]
      n = m = site = server = 0
    }
    function is_of_site(  end) {
      if (file ~ /\/upstream\//) return 1
      for (end in of_site) if (substr(file, length(file) - length(end) - 1) == "/" end ":") return 1
      return 0
    }
    /^# configuration file / {
      file = $4
      depth = file ~ /nginx\.conf:$/ ? 0 : file ~ /\/upstream\// ? 2 : file ~ /\/(conf\.d|sites-enabled)\// ? 1 : 2
      http = depth; next
    }
    { sub(/#.*/, "") }
    $1 == "http" && depth == 0 { http = 1 }
    /^[ \t]*server[ \t]*({|$)/ { opens = 1 }
    server && depth == server && $1 == "include" { includes[++m] = $2; sub(/;.*/, "", includes[m]); if ($2 ~ /(^|\/)upstream\//) site = 1 }
    ($1 == "access_log" || $1 == "error_log") && file != ours && file != location && (depth == 0 || http) {
      line = $0; sub(/^[ \t]*/, "", line); sub(/;.*/, "", line)
      if (server && depth == server) logs[++n] = line
      else print (depth == 2 && is_of_site() ? "site" : depth), line
    }
    {
      before = depth; depth += gsub(/{/, "{") - gsub(/}/, "}"); if (depth == 0) http = 0
      if (opens && depth > before) { server = depth; opens = 0 }
      if (server && depth < server) end_of_server()
    }'
}

# nginx_kept: what nginx has written to until now only because http names no log itself; ours would end that.
nginx_kept() {
  local logs="$WORK/nginx-logs" path
  if ! grep -q '^1 access_log ' "$logs"; then
    path=$("$NGINX" -V 2>&1 | sed -n 's/.*--http-log-path=\([^ ]*\).*/\1/p')
    printf 'access_log %s combined;\n' "${path:-$NGINX_LOGS/access.log}"
  fi
  if ! grep -q '^1 error_log ' "$logs"; then
    if grep -q '^0 error_log ' "$logs"; then
      sed -n 's/^0 \(error_log .*\)/\1;/p' "$logs"
    else
      path=$("$NGINX" -V 2>&1 | sed -n 's/.*--error-log-path=\([^ ]*\).*/\1/p')
      printf 'error_log %s;\n' "${path:-$NGINX_LOGS/error.log}"
    fi
  fi
}

nginx_logging_apply() {
  command -v "$NGINX" >/dev/null || die "$(hostname) is of type $CONTAINER_TYPE, but there is no $NGINX in it"
  "$NGINX" -T 2>/dev/null | nginx_logs >"$WORK/nginx-logs" || die "$NGINX_UNIT's configuration is broken already; '$NGINX -t' in $(hostname) says: $("$NGINX" -t 2>&1 | head -n 1)"
  keep_file "$NGINX_CONF"
  put_file "$NGINX_CONF" 0644 root:root < <("$NGINX_SETTINGS" && nginx_kept)
  apply_checked "$NGINX -t" reload_nginx "$NGINX_CONF"
  ! grep -qE '^[2-9] access_log /' "$WORK/nginx-logs" ||
    warn "a server or location of nginx that is not the site's has an access_log of its own; its requests go there and not into the journal"
  ! grep -q '^site access_log off' "$WORK/nginx-logs" ||
    warn "the site's server has 'access_log off': none of its requests can be seen; take that line out of nginx's settings"
}

nginx_logging_delete() {
  rm -f "$NGINX_CONF"
  ! command -v "$NGINX" >/dev/null || reload_nginx
}
