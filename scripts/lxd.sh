# shellcheck shell=bash
# Functions for steps that run on the LXD host: they call LXD.
# Values: LXD_PROJECT, CONTAINER.

# Snap's lxc is not always on sudo's path.
export PATH="$PATH:/snap/bin"

# lxd ARGS...: runs lxc in the site's project. lxc must not read stdin, because bash reads the step itself from there.
lxd() { lxc --project "$LXD_PROJECT" "$@" </dev/null; }

# container_state: prints RUNNING, STOPPED or another state of LXD; nothing if the container does not exist. Fails if LXD does not
# answer, as while its snap is refreshed: that does not mean that the container is gone. Call it in an assignment, so that the
# failure ends the step.
container_state() {
  command -v lxc >/dev/null || die "there is no lxc command on $(hostname): LXD is missing, or lxc is in none of these folders: $PATH"
  lxd list --format csv -c ns "^$CONTAINER\$" >"$WORK/containers" 2>"$WORK/lxd" ||
    die "LXD does not answer for the project '$LXD_PROJECT' on $(hostname): $(tail -n 1 "$WORK/lxd")"
  awk -F, -v name="$CONTAINER" '$1 == name { print $2 }' "$WORK/containers"
}
