# shellcheck shell=bash
# PostgreSQL's logging: to the journal, too, with connections.
# Values: CONTAINER_TYPE; files: file_postgresql_logging.

# Of a PostgreSQL that is stopped nothing is asked: it reads its settings when it starts.
reload_postgresql() { if systemctl is-active -q postgresql; then systemctl reload postgresql; fi; }

# Every cluster of every installed version reads its conf.d. The file stays root's: the folder is PostgreSQL's, which could
# have led us to where a file of its own is run as root.
postgresql_logging_apply() {
  local folder conf found=""
  for folder in /etc/postgresql/*/*/; do
    [ -e "$folder/postgresql.conf" ] || continue
    found=1
    conf="${folder}conf.d/50-dhis2-siem.conf"
    grep -qE "^\s*include_dir\s*=?\s*'conf\.d'" "$folder/postgresql.conf" ||
      die "$folder/postgresql.conf does not read conf.d; add the line: include_dir = 'conf.d'"
    put_file "$conf" 0644 root:root < <(file_postgresql_logging)
    ! changed "$conf" || reload_postgresql
  done
  [ -n "$found" ] || die "$(hostname) is of type $CONTAINER_TYPE, but no PostgreSQL cluster is in /etc/postgresql"
}

postgresql_logging_delete() {
  rm -f /etc/postgresql/*/*/conf.d/50-dhis2-siem.conf
  reload_postgresql
}
