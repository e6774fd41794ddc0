# shellcheck shell=bash
# Part of an agent's settings: journald keeps everything (up to a size), and the services' logs go there.
# Values: CONTAINER_TYPE; files: file_journald_conf, file_nginx_logging, file_apache_logging, file_postgres_logging.

JOURNALD_CONF=/etc/systemd/journald.conf.d/50-dhis2-siem.conf
NGINX_CONF=/etc/nginx/conf.d/50-dhis2-siem.conf
APACHE_CONF=/etc/apache2/conf-available/dhis2-siem.conf
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

nginx_apply() {
  command -v nginx >/dev/null || die "$(hostname) is of type $CONTAINER_TYPE, but nginx is not installed in it"
  keep_file "$NGINX_CONF"
  put_file "$NGINX_CONF" 0644 root:root < <(file_nginx_logging)
  apply_checked "nginx -t" reload_nginx "$NGINX_CONF"
  nginx -T >"$WORK/nginx" 2>/dev/null
  ! grep -qE '^\s+access_log\s+/' "$WORK/nginx" ||
    say "note: a server or location of nginx has an access_log of its own; its requests go there and not into the journal"
}

nginx_delete() {
  rm -f "$NGINX_CONF"
  ! command -v nginx >/dev/null || reload_nginx
}

reload_apache() { if systemctl is-active -q apache2; then systemctl reload apache2; fi; }

apache_apply() {
  command -v apache2ctl >/dev/null || die "$(hostname) is of type $CONTAINER_TYPE, but apache2 is not installed in it"
  keep_file "$APACHE_CONF"
  put_file "$APACHE_CONF" 0644 root:root < <(file_apache_logging)
  [ -e /etc/apache2/conf-enabled/dhis2-siem.conf ] || {
    ln -sf ../conf-available/dhis2-siem.conf /etc/apache2/conf-enabled/dhis2-siem.conf
    CHANGED+=("$APACHE_CONF")
  }
  apply_checked "apache2ctl configtest" reload_apache "$APACHE_CONF"
}

apache_delete() {
  rm -f "$APACHE_CONF" /etc/apache2/conf-enabled/dhis2-siem.conf
  ! command -v apache2ctl >/dev/null || reload_apache
}

# Every cluster of every installed version reads its conf.d.
postgres_apply() {
  local folder conf found=""
  for folder in /etc/postgresql/*/*/; do
    [ -e "$folder/postgresql.conf" ] || continue
    found=1
    conf="${folder}conf.d/50-dhis2-siem.conf"
    grep -qE "^\s*include_dir\s*=?\s*'conf\.d'" "$folder/postgresql.conf" ||
      die "$folder/postgresql.conf does not read conf.d; add the line: include_dir = 'conf.d'"
    put_file "$conf" 0644 postgres:postgres < <(file_postgres_logging)
    ! changed "$conf" || systemctl reload postgresql
  done
  [ -n "$found" ] || die "$(hostname) is of type $CONTAINER_TYPE, but no PostgreSQL cluster is in /etc/postgresql"
}

postgres_delete() {
  rm -f /etc/postgresql/*/*/conf.d/50-dhis2-siem.conf
  ! systemctl is-active -q postgresql || systemctl reload postgresql
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
