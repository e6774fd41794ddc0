# shellcheck shell=bash
# Runs on the LXD host as root, after lxd.sh: runs the inner bundle (file_inner) with bash in a container.
# Values: LXD_PROJECT, CONTAINER.
# Prints what the bundle prints, then a line of JSON with LXD's id of the container. If the id changes, the container was rebuilt
# or restored from a snapshot.

# volatile_config KEY: a value that LXD sets itself.
volatile_config() { lxd config get "$CONTAINER" "volatile.$1"; }

# container_identity: LXD's id of the container. A restore from a snapshot keeps this id, so the restore's own id is appended
# (commands/site/discover.ts reads the same). LXD before 5.0.3 has no id of a restore.
container_identity() {
  local id restored
  id=$(volatile_config uuid) && restored=$(volatile_config uuid.generation) || return
  if [ -z "$restored" ] || [ "$restored" = "$id" ]; then printf %s "$id"; else printf %s "$id/$restored"; fi
}

main() {
  local action=$1 state id
  state=$(container_state)
  if [ "$state" != RUNNING ]; then
    if [ "$action" = delete ]; then
      say "container $CONTAINER is ${state:-missing}: nothing is removed from it"
      return 0
    fi
    if [ -z "$state" ]; then
      die "there is no container '$CONTAINER' in the LXD project '$LXD_PROJECT' on $(hostname); create it, or remove its entry from the site's file"
    fi
    die "container '$CONTAINER' is ${state}: start it with 'lxc start $CONTAINER --project $LXD_PROJECT', then run the update again"
  fi
  file_inner | lxc --project "$LXD_PROJECT" exec "$CONTAINER" --mode non-interactive --cwd / --env HOME=/root -- bash -s -- "$action"
  [ "$action" != delete ] || return 0
  id=$(container_identity 2>"$WORK/lxd") || die "LXD does not say which container '$CONTAINER' is on $(hostname): $(tail -n 1 "$WORK/lxd")"
  # The first newline ends whatever the container printed before, so that this is a line of its own.
  printf '\n{"container":"%s","uuid":"%s"}\n' "$CONTAINER" "$id"
}
