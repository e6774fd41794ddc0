#!/usr/bin/env bash
# Makes relay/requirements.txt of relay/requirements.in: every package pinned, with the hashes of its files for every
# Python and machine. Run it with Python 3.11, the oldest that the relay runs on.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools==7.5.1
# ElastAlert by itself: with its own list, what is left out would come back.
grep -v '^elastalert2==' requirements.in >"$work/others.in"
grep '^elastalert2==' requirements.in >"$work/elastalert.in"
compile=("$work/venv/bin/pip-compile" --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate
  --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host)
"${compile[@]}" --output-file "$work/others.txt" "$work/others.in"
"${compile[@]}" --output-file "$work/all.txt" "$work/elastalert.in"
{
  echo "# Made by relay/pin-requirements.sh of requirements.in; for pip install --require-hashes --no-deps."
  awk '/^elastalert2==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$work/all.txt"
  cat "$work/others.txt"
} >requirements.txt
