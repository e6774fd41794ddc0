# shellcheck shell=bash
# Runs in the SIEM's container: keeps the servers' passwords and keys there, for root alone. So the step that uses them
# (elastic.sh) holds none itself, and all of it can be read in a preview.
# Values: GENERATION; secrets: those of NAMES.

SECRETS=/var/lib/dhis2-siem/secrets
NAMES=(elastic kibana_system key_objects key_reporting key_security)

# same_stack: with another key Kibana could read none of its rules any more; and the passwords would be another stack's, too.
same_stack() {
  [ ! -e "$SECRETS/key_objects" ] || secret_key_objects | cmp -s - "$SECRETS/key_objects" ||
    die "Elasticsearch and Kibana in $(hostname) were set up by another stack, or by this one before its state was lost; see 'The state is lost' in the operator's guide"
}

# keep NAME: not with put_file, which prints a sum of what it puts in place. The password before stays until elastic.sh has
# changed it in the cluster.
keep() {
  (umask 077 && "secret_$1" >"$SECRETS/$1.new")
  [ ! -e "$SECRETS/$1" ] || [ -e "$SECRETS/$1.previous" ] || cmp -s "$SECRETS/$1.new" "$SECRETS/$1" ||
    cp -p "$SECRETS/$1" "$SECRETS/$1.previous"
  mv -fT "$SECRETS/$1.new" "$SECRETS/$1"
}

main() {
  # They go with the container.
  [ "$1" = apply ] || return 0
  begin elastic-secrets
  install -d -m 0700 "$SECRETS"
  same_stack
  local name
  for name in "${NAMES[@]}"; do keep "$name"; done
  finish
}
