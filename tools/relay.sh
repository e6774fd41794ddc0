#!/usr/bin/env bash
# Runs Python with the relay's packages, as pinned in relay/requirements.txt, in a virtual environment of its own in the
# cache folder, made on first use.
set -euo pipefail
folder=$(cd "$(dirname "$0")/../relay" && pwd)
cache="${DHIS2_SIEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dhis2-siem}"
venv="$cache/relay-$(sha256sum "$folder/requirements.txt" | cut -c 1-12)"
if [ ! -e "$venv/complete" ]; then
  if ! python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "The relay needs Python 3.11 or newer with venv (on Debian: apt-get install python3-venv)." >&2
    exit 69
  fi
  echo "making an environment for the relay in $venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  pip() { "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps "$@" >&2; }
  # What builds the one package that is no wheel comes first, by its hash too.
  awk '/^setuptools==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$folder/requirements.txt" >"$venv/build.txt"
  pip --requirement "$venv/build.txt"
  pip --no-build-isolation --requirement "$folder/requirements.txt"
  touch "$venv/complete"
fi
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$folder exec "$venv/bin/python" "$@"
