#!/usr/bin/env bash
# Runs Python with pySigma in a virtual environment of its own, made in the cache folder on first use:
#   tools/pysigma.sh tools/pysigma.py     converts detections (stdin to stdout)
#   tools/pysigma.sh -m sigma.cli.main check FOLDER
set -euo pipefail
requirements="$(dirname "$0")/pysigma-requirements.txt"
cache="${DHIS2_SIEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dhis2-siem}"
# A new pin gets an environment of its own.
venv="$cache/pysigma-$(sha256sum "$requirements" | cut -c 1-12)"
if [ ! -e "$venv/complete" ]; then
  if ! python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    echo "Converting detections needs Python 3.10 or newer with venv (on Debian: apt-get install python3-venv)." >&2
    exit 69
  fi
  echo "making an environment for pySigma in $venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
  touch "$venv/complete"
fi
exec "$venv/bin/python" "$@"
