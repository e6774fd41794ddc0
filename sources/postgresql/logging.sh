# shellcheck shell=bash
# Sets up PostgreSQL's logging: also to the journal, with connections.
# Values: CONTAINER_TYPE. Files: file_postgresql_logging.

# A PostgreSQL that is stopped reads the settings when it starts.
reload_postgresql() { if systemctl is-active -q postgresql; then systemctl reload postgresql; fi; }

# Writes the settings into the conf.d of every cluster. The file belongs to root: PostgreSQL owns the folder and could replace it with
# a link to a folder whose files root runs.
postgresql_logging_apply() {
  local folder conf has_cluster=""
  for folder in /etc/postgresql/*/*/; do
    [ -e "$folder/postgresql.conf" ] || continue
    has_cluster=1
    conf="${folder}conf.d/50-dhis2-siem.conf"
    grep -qE "^\s*include_dir\s*=?\s*'conf\.d'" "$folder/postgresql.conf" ||
      die "$folder/postgresql.conf does not read conf.d; add the line: include_dir = 'conf.d'"
    put_file "$conf" 0644 root:root < <(file_postgresql_logging)
    ! changed "$conf" || reload_postgresql
  done
  [ -n "$has_cluster" ] || die "$(hostname) is of type $CONTAINER_TYPE, but no PostgreSQL cluster is in /etc/postgresql; create it, or correct the type in the site's file"
}

postgresql_logging_delete() {
  rm -f /etc/postgresql/*/*/conf.d/50-dhis2-siem.conf
  reload_postgresql
}
