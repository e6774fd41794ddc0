# shellcheck shell=bash
# Runs on the LXD host as root, as a bundle (render/bundle.ts). It says what is there, and changes nothing. Each line is a
# container's name, a tab and JSON; LXD's own list has no name before it. The names are put there here: a container that
# is not to be trusted can lie about itself only.
# Values: LXD_PROJECT. Files: file_inside, the script for each container; file_containers, their names, one a line;
# file_paths, "CONTAINER PATH" a line: the files that the stack put in place.

# Snap's lxc is not always on sudo's path.
export PATH="$PATH:/snap/bin" LC_ALL=C

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

state() { lxc list --project "$LXD_PROJECT" --format csv -c ns "^$1\$" | awk -F, -v name="$1" '$1 == name { print $2 }'; }

# look CONTAINER: what is in it; one that does not answer within a minute says nothing.
look() {
  local paths
  mapfile -t paths < <(file_paths | awk -v name="$1" '$1 == name { print $2 }')
  file_inside | timeout 60 lxc exec "$1" --project "$LXD_PROJECT" --mode non-interactive --cwd / -- \
    bash -s -- ${paths[@]+"${paths[@]}"} | head -c 1000000 | sed "s/^/$1\t/" && echo || printf '%s could not be looked into\n' "$1" >&2
}

main() {
  local containers name
  command -v lxc >/dev/null || fail "there is no lxc command on $(hostname): LXD is missing, or the login user's sudo hides /snap/bin"
  containers=$(lxc list --project "$LXD_PROJECT" --format json) || fail "LXD does not answer for the project '$LXD_PROJECT'"
  printf '\t%s\n' "${containers//$'\n'/}"
  while read -r name; do
    [ "$(state "$name")" != RUNNING ] || look "$name"
  done < <(file_containers)
}
