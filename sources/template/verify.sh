# shellcheck shell=bash
# Part of commands/verify/inside.sh: whether the settings of logging.sh are there.
if [ -e /etc/template/conf.d/50-dhis2-siem.conf ]; then say template settings ours; else say template settings ""; fi
