# shellcheck shell=bash
# Runs in the SIEM's container: keeps the servers' passwords and keys there, for root alone. So the step that uses them
# (elastic.sh) holds none itself, and all of it can be read in a preview.
# Values: GENERATION; secrets: those of NAMES.

SECRETS=/var/lib/dhis2-siem/secrets
NAMES=(elastic kibana_system key_objects key_reporting key_security)

# keep NAME: not with put_file, which prints a sum of what it puts in place.
keep() {
  (umask 077 && "secret_$1" >"$SECRETS/$1.new")
  mv -fT "$SECRETS/$1.new" "$SECRETS/$1"
}

main() {
  # They go with the container.
  [ "$1" = apply ] || return 0
  begin elastic-secrets
  install -d -m 0700 "$SECRETS"
  local name
  for name in "${NAMES[@]}"; do keep "$name"; done
  finish
}
