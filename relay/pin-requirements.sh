#!/usr/bin/env bash
# Writes relay/requirements.txt from relay/requirements.in: every package pinned, with the hashes of its files for every Python
# version and machine. Run it with Python 3.11, the oldest version that the relay runs on.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools==7.5.1
# ElastAlert separately: compiled together, the packages that it requires but that are left out here would be added again.
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
