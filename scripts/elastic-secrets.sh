# shellcheck shell=bash
# Runs in the SIEM's container: stores the servers' passwords and keys there, readable by root only. So the step that uses them
# (elastic.sh) contains no secret, and a preview can show all of it.
# Values: GENERATION; secrets: those in SECRET_NAMES.

SECRETS=/var/lib/dhis2-siem/secrets
SECRET_NAMES=(elastic kibana_system key_objects key_reporting key_security)

# require_same_stack: fails if another stack's secrets are here. With another key Kibana cannot read its rules any more, and the
# cluster has the other stack's passwords.
require_same_stack() {
  [ ! -e "$SECRETS/key_objects" ] || secret_key_objects | cmp -s - "$SECRETS/key_objects" ||
    die "Elasticsearch and Kibana in $(hostname) were set up by another stack, or by this one before its state was lost; see 'The state is lost' in the operator's guide"
}

# store_secret NAME: does not use put_file, which prints a hash of what it writes. The previous password stays in NAME.previous
# until elastic.sh has changed it in the cluster.
store_secret() {
  (umask 077 && "secret_$1" >"$SECRETS/$1.new")
  [ ! -e "$SECRETS/$1" ] || [ -e "$SECRETS/$1.previous" ] || cmp -s "$SECRETS/$1.new" "$SECRETS/$1" ||
    cp -p "$SECRETS/$1" "$SECRETS/$1.previous"
  mv -fT "$SECRETS/$1.new" "$SECRETS/$1"
}

main() {
  # There is nothing to delete: the secrets are deleted with the container.
  [ "$1" = apply ] || return 0
  begin elastic-secrets
  install -d -m 0700 "$SECRETS"
  require_same_stack
  local name
  for name in "${SECRET_NAMES[@]}"; do store_secret "$name"; done
  finish
}
