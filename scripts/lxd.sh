# shellcheck shell=bash
# What a step on the LXD host asks of LXD.
# Values: LXD_PROJECT, CONTAINER.

# Snap's lxc is not always on sudo's path.
export PATH="$PATH:/snap/bin"

# lxd ARGS...: lxc in the site's project. It reads nothing: what is on stdin is the step's own.
lxd() { lxc --project "$LXD_PROJECT" "$@" </dev/null; }

# container_state: RUNNING, STOPPED and so on; nothing where there is no such container. Fails where nobody can tell: a container
# is not gone because LXD is away, as it is while its snap is refreshed. To be called in an assignment, which ends the step then.
container_state() {
  command -v lxc >/dev/null || die "there is no lxc command on $(hostname): LXD is missing, or the login user's sudo hides /snap/bin"
  lxd list --format csv -c ns "^$CONTAINER\$" >"$WORK/containers" 2>"$WORK/lxd" ||
    die "LXD does not answer for the project '$LXD_PROJECT' on $(hostname): $(tail -n 1 "$WORK/lxd")"
  awk -F, -v name="$CONTAINER" '$1 == name { print $2 }' "$WORK/containers"
}
