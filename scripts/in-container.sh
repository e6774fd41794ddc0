# shellcheck shell=bash
# Runs on the LXD host as root, after lxd.sh: hands the inner bundle (file_inner) to bash in a container.
# Values: LXD_PROJECT, CONTAINER.
# Prints what the bundle prints, and a line of JSON with LXD's id of the container: another one later means that it was
# rebuilt, or restored from a snapshot.

volatile() { lxd config get "$CONTAINER" "volatile.$1"; }

# identity: LXD's id; after a restore, which keeps it, with the one of the restore (commands/site/discover.ts reads the same).
# An LXD before 5.0.3 has none of a restore.
identity() {
  local id restored
  id=$(volatile uuid) && restored=$(volatile uuid.generation) || return
  if [ -z "$restored" ] || [ "$restored" = "$id" ]; then printf %s "$id"; else printf %s "$id/$restored"; fi
}

main() {
  local action=$1 state id
  state=$(container_state)
  if [ "$state" != RUNNING ]; then
    if [ "$action" = delete ]; then
      say "container $CONTAINER is ${state:-not there}: nothing to undo in it"
      return 0
    fi
    if [ -z "$state" ]; then
      die "there is no container '$CONTAINER' in the LXD project '$LXD_PROJECT' on $(hostname); make it, or take its entry out of the site's file"
    fi
    die "container '$CONTAINER' is ${state}: start it with 'lxc start $CONTAINER --project $LXD_PROJECT', then run the update again"
  fi
  file_inner | lxc --project "$LXD_PROJECT" exec "$CONTAINER" --mode non-interactive --cwd / --env HOME=/root -- bash -s -- "$action"
  [ "$action" != delete ] || return 0
  id=$(identity 2>"$WORK/lxd") || die "LXD does not say which container '$CONTAINER' is on $(hostname): $(tail -n 1 "$WORK/lxd")"
  # On a line of its own and the last, whatever the container printed before it.
  printf '\n{"container":"%s","uuid":"%s"}\n' "$CONTAINER" "$id"
}
