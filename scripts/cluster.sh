# shellcheck shell=bash
# Runs on the LXD host as root: prints which cluster runs in the SIEM's container, one line of JSON that elastic.sh left there.
# Without lib.sh, and with few values: its text hardly ever changes, so that a preview knows what it printed also where
# every other step will run again.
# Values: LXD_PROJECT, CONTAINER, GENERATION.

# Snap's lxc is not always on sudo's path.
export PATH="$PATH:/snap/bin"

main() {
  [ "$1" = apply ] || return 0
  lxc exec "$CONTAINER" --project "$LXD_PROJECT" --mode non-interactive -- cat /var/lib/dhis2-siem/cluster.json
}
