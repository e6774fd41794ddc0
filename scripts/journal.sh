# shellcheck shell=bash
# Part of an agent's settings: journald keeps everything (up to a size), and the services' logs go there.
# Values: CONTAINER_TYPE; files: file_journald_conf, file_nginx_logging, file_apache_logging, file_postgres_logging.

JOURNALD_CONF=/etc/systemd/journald.conf.d/50-dhis2-siem.conf
NGINX_CONF=/etc/nginx/conf.d/50-dhis2-siem.conf
# What location.sh puts into the site's server.
NGINX_LOCATION=/etc/nginx/upstream/dhis2-siem.conf
APACHE_CONF=/etc/apache2/conf-enabled/dhis2-siem.conf
# Where it was once, when the other was a link to it: what a link leads to is not put back with it.
APACHE_AVAILABLE=/etc/apache2/conf-available/dhis2-siem.conf
MUNIN_CONF=/etc/munin/munin-node.conf

journald_apply() {
  mkdir -p /var/log/journal
  put_file "$JOURNALD_CONF" 0644 root:root < <(file_journald_conf)
  ! changed "$JOURNALD_CONF" || { systemctl restart systemd-journald && journalctl --flush; }
}

journald_delete() {
  rm -f "$JOURNALD_CONF"
  systemctl restart systemd-journald
}

reload_nginx() { if systemctl is-active -q nginx; then systemctl reload nginx; fi; }

# nginx_logs: from `nginx -T` on stdin, each access_log and error_log that is not ours, as "DEPTH DIRECTIVE VALUE": 0 for
# nginx.conf itself, 1 for its http, more for a server or location; "site" for the server that reads upstream/. Included
# files begin where Debian includes them.
nginx_logs() {
  awk -v ours="$NGINX_CONF:" -v location="$NGINX_LOCATION:" '
    function end_of_server(  i) { for (i = 1; i <= n; i++) print (site ? "site" : "2"), logs[i]; n = site = server = 0 }
    /^# configuration file / { file = $4; depth = file ~ /nginx\.conf:$/ ? 0 : file ~ /\/(conf\.d|sites-enabled)\// ? 1 : 2; http = depth; next }
    { sub(/#.*/, "") }
    $1 == "http" && depth == 0 { http = 1 }
    /^[ \t]*server[ \t]*({|$)/ { opens = 1 }
    server && depth == server && $1 == "include" && $2 ~ /(^|\/)upstream\// { site = 1 }
    ($1 == "access_log" || $1 == "error_log") && file != ours && file != location && (depth == 0 || http) {
      line = $0; sub(/^[ \t]*/, "", line); sub(/;.*/, "", line)
      if (server && depth == server) logs[++n] = line
      else print (file ~ /\/upstream\// && depth == 2 ? "site" : depth), line
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
    path=$(nginx -V 2>&1 | sed -n 's/.*--http-log-path=\([^ ]*\).*/\1/p')
    printf 'access_log %s combined;\n' "${path:-/var/log/nginx/access.log}"
  fi
  if ! grep -q '^1 error_log ' "$logs"; then
    if grep -q '^0 error_log ' "$logs"; then
      sed -n 's/^0 \(error_log .*\)/\1;/p' "$logs"
    else
      path=$(nginx -V 2>&1 | sed -n 's/.*--error-log-path=\([^ ]*\).*/\1/p')
      printf 'error_log %s;\n' "${path:-/var/log/nginx/error.log}"
    fi
  fi
}

nginx_apply() {
  command -v nginx >/dev/null || die "$(hostname) is of type $CONTAINER_TYPE, but nginx is not installed in it"
  nginx -T 2>/dev/null | nginx_logs >"$WORK/nginx-logs" || die "nginx's configuration is broken already; 'nginx -t' in $(hostname) says: $(nginx -t 2>&1 | head -n 1)"
  keep_file "$NGINX_CONF"
  put_file "$NGINX_CONF" 0644 root:root < <(file_nginx_logging && nginx_kept)
  apply_checked "nginx -t" reload_nginx "$NGINX_CONF"
  ! grep -qE '^[2-9] access_log /' "$WORK/nginx-logs" ||
    warn "a server or location of nginx that is not the site's has an access_log of its own; its requests go there and not into the journal"
  ! grep -q '^site access_log off' "$WORK/nginx-logs" ||
    warn "the site's server has 'access_log off': none of its requests can be seen; take that line out of nginx's settings"
}

nginx_delete() {
  rm -f "$NGINX_CONF"
  ! command -v nginx >/dev/null || reload_nginx
}

reload_apache() { if systemctl is-active -q apache2; then systemctl reload apache2; fi; }

apache_apply() {
  command -v apache2ctl >/dev/null || die "$(hostname) is of type $CONTAINER_TYPE, but apache2 is not installed in it"
  # apache2 refuses a link that leads nowhere, and one of ours may have been left so.
  [ -e "$APACHE_CONF" ] || rm -f "$APACHE_CONF"
  apache2ctl configtest >"$WORK/config-test" 2>&1 ||
    die "apache2's configuration is broken already; 'apache2ctl configtest' in $(hostname) says: $(paste -sd ' ' "$WORK/config-test")"
  keep_file "$APACHE_CONF"
  put_file "$APACHE_CONF" 0644 root:root < <(file_apache_logging)
  apply_checked "apache2ctl configtest" reload_apache "$APACHE_CONF"
  rm -f "$APACHE_AVAILABLE"
}

apache_delete() {
  rm -f "$APACHE_CONF" "$APACHE_AVAILABLE"
  ! command -v apache2ctl >/dev/null || reload_apache
  rm -f /var/log/apache2/dhis2-siem-access.log*
}

# Of a PostgreSQL that is stopped nothing is asked: it reads its settings when it starts.
reload_postgres() { if systemctl is-active -q postgresql; then systemctl reload postgresql; fi; }

# Every cluster of every installed version reads its conf.d. The file stays root's: the folder is PostgreSQL's, which could
# have led us to where a file of its own is run as root.
postgres_apply() {
  local folder conf found=""
  for folder in /etc/postgresql/*/*/; do
    [ -e "$folder/postgresql.conf" ] || continue
    found=1
    conf="${folder}conf.d/50-dhis2-siem.conf"
    grep -qE "^\s*include_dir\s*=?\s*'conf\.d'" "$folder/postgresql.conf" ||
      die "$folder/postgresql.conf does not read conf.d; add the line: include_dir = 'conf.d'"
    put_file "$conf" 0644 root:root < <(file_postgres_logging)
    ! changed "$conf" || reload_postgres
  done
  [ -n "$found" ] || die "$(hostname) is of type $CONTAINER_TYPE, but no PostgreSQL cluster is in /etc/postgresql"
}

postgres_delete() {
  rm -f /etc/postgresql/*/*/conf.d/50-dhis2-siem.conf
  reload_postgres
}

# Any container may have a munin-node: its log goes to syslog, and the line it had is kept as a comment.
munin_node_apply() {
  [ -e "$MUNIN_CONF" ] || return 0
  ! grep -qE '^log_file Sys::Syslog$' "$MUNIN_CONF" || return 0
  sed -i -E 's/^(log_file .*)$/#dhis2-siem# \1\nlog_file Sys::Syslog/' "$MUNIN_CONF"
  systemctl restart munin-node
}

munin_node_delete() {
  [ -e "$MUNIN_CONF" ] && grep -q '^#dhis2-siem# ' "$MUNIN_CONF" || return 0
  sed -i -E '/^log_file Sys::Syslog$/d; s/^#dhis2-siem# //' "$MUNIN_CONF"
  systemctl restart munin-node
}

# for_services apply|delete: what this type of container runs.
for_services() {
  case $CONTAINER_TYPE in
    nginx_proxy) "nginx_$1" ;;
    apache_proxy | munin_monitor) "apache_$1" ;;
    postgres | postgres12) "postgres_$1" ;;
    dhis2) ;; # Tomcat's unit logs to the journal; the audit log is a file that the agent reads.
  esac
  "munin_node_$1"
}
