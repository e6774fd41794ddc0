#!/bin/sh
# kibana-keystore create | list | add KEY --stdin --force: the keystore is YAML, a setting a line. Values come on stdin only.
set -eu
umask 007
file=${KBN_PATH_CONF:-/etc/kibana}/kibana.keystore
case $* in
  create) touch "$file" ;;
  list) cut -d: -f1 "$file" ;;
  "add "*" --stdin --force")
    others=$(grep -v "^$2:" "$file" || true)
    # Written in place, so that the owner and the mode which the package gave the file stay.
    printf '%s\n' "$others" "$2: '$(cat)'" | grep . >"$file"
    ;;
  *)
    echo "Usage: kibana-keystore create | list | add KEY --stdin --force" >&2
    exit 64
    ;;
esac
