# shellcheck shell=bash
# The logging of template: to the journal.
# Files: file_template_logging.

TEMPLATE_CONF=/etc/template/conf.d/50-dhis2-siem.conf

template_logging_apply() {
  put_file "$TEMPLATE_CONF" 0644 root:root < <(file_template_logging)
  ! changed "$TEMPLATE_CONF" || systemctl try-reload-or-restart template
}

template_logging_delete() {
  rm -f "$TEMPLATE_CONF"
  systemctl try-reload-or-restart template
}
