# shellcheck shell=bash
# Part of commands/verify/inside.sh: reports for each cluster whether it has the settings of logging.sh. pg_upgradecluster does not
# copy them to a new cluster.
for conf in /etc/postgresql/*/*/postgresql.conf; do
  [ -e "$conf" ] || continue
  if [ -e "${conf%/*}/conf.d/50-dhis2-siem.conf" ]; then say postgresql "${conf%/*}" ours; else say postgresql "${conf%/*}" ""; fi
done
