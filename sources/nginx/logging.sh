# shellcheck shell=bash
# Sets up nginx's logging: requests and errors go to the journal, in addition to the logs that it writes already.
# Values: CONTAINER_TYPE. Files: file_nginx_logging.

# use_nginx PROGRAM UNIT FOLDER SITE_FOLDER LOG_FOLDER SETTINGS: selects the web server for the functions below. FOLDER contains its
# settings; SITE_FOLDER (relative to it) contains the files that the site's server includes; LOG_FOLDER is where it logs by
# default; SETTINGS is a command that prints our log settings.
use_nginx() {
  NGINX=$1
  NGINX_UNIT=$2
  NGINX_FOLDER=$3
  NGINX_CONF=$NGINX_FOLDER/conf.d/50-dhis2-siem.conf
  NGINX_LOCATION=$NGINX_FOLDER/$4/dhis2-siem.conf
  NGINX_LOGS=$5
  NGINX_SETTINGS=$6
}

use_nginx nginx nginx /etc/nginx upstream /var/log/nginx file_nginx_logging

reload_nginx() { if systemctl is-active -q "$NGINX_UNIT"; then systemctl reload "$NGINX_UNIT"; fi; }

# nginx_logs <OUTPUT-OF-NGINX-T: prints each access_log and error_log that is not ours, as "DEPTH DIRECTIVE VALUE". DEPTH is 0 for
# nginx.conf itself, 1 for its http block, more for a server or location. It is "site" for the server that includes upstream/, and
# for the files that this server includes. The depth of an included file is where Debian and the tools of DHIS2 include it.
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

# nginx_default_logs: prints settings for the logs that nginx writes only because http names no log. With our settings http does
# name one, so these logs must be named too.
nginx_default_logs() {
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
  command -v "$NGINX" >/dev/null || die "$(hostname) is of type $CONTAINER_TYPE, but $NGINX is not installed in it"
  "$NGINX" -T 2>/dev/null | nginx_logs >"$WORK/nginx-logs" || die "$NGINX_UNIT's configuration is broken already; '$NGINX -t' in $(hostname) says: $("$NGINX" -t 2>&1 | head -n 1)"
  back_up_file "$NGINX_CONF"
  put_file "$NGINX_CONF" 0644 root:root < <("$NGINX_SETTINGS" && nginx_default_logs)
  apply_checked "$NGINX -t" reload_nginx "$NGINX_CONF"
  ! grep -qE '^[2-9] access_log /' "$WORK/nginx-logs" ||
    warn "a server or location of $NGINX_UNIT in $(hostname), other than the site's, has its own access_log; its requests do not reach the SIEM"
  ! grep -q '^site access_log off' "$WORK/nginx-logs" ||
    warn "the site's server has 'access_log off': none of its requests reach the SIEM; remove that line from the settings of $NGINX_UNIT in $(hostname)"
}

nginx_logging_delete() {
  rm -f "$NGINX_CONF"
  ! command -v "$NGINX" >/dev/null || reload_nginx
}
