#!/usr/bin/env bash
# Runs Python with pySigma in a virtual environment of its own, made in the cache folder on first use:
#   tools/pysigma.sh tools/pysigma.py     converts detections (stdin to stdout)
#   tools/pysigma.sh -m sigma.cli.main check FOLDER
set -euo pipefail
folder=$(dirname "$0")
# shellcheck source=tools/venv.sh
. "$folder/venv.sh"
requirements=$folder/pysigma-requirements.txt
install() { pip --requirement "$requirements"; }
venv pysigma "$requirements" 10 "Converting detections"
exec "$VENV/bin/python" "$@"
