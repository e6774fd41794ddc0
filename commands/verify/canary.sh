# shellcheck shell=bash
# Runs on the LXD host as root, as a bundle (render/bundle.ts): writes one marked line into the journal of each container.
# Values: LXD_PROJECT, TOKEN, IDENTIFIER, ALERT_IDENTIFIER, ALERT_CONTAINER. File: file_containers, their names, one a line.

export PATH="$PATH:/snap/bin" LC_ALL=C

# write CONTAINER IDENTIFIER: prints the container's name where the line was written.
write() {
  if printf 'canary %s of the SIEM: a test, nothing happened\n' "$TOKEN" |
    timeout 30 lxc exec "$1" --project "$LXD_PROJECT" --mode non-interactive --cwd / -- systemd-cat -t "$2"; then
    printf '%s\n' "$1"
  else
    printf '%s: the line could not be written\n' "$1" >&2
  fi
}

main() {
  local name
  while read -r name; do write "$name" "$IDENTIFIER"; done < <(file_containers)
  write "$ALERT_CONTAINER" "$ALERT_IDENTIFIER" >/dev/null
}
