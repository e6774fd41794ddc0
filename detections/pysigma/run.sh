#!/usr/bin/env bash
# Runs Python with pySigma in a virtual environment of its own, made in the cache folder on first use:
#   detections/pysigma/run.sh detections/pysigma/convert.py converts detections (stdin to stdout)
#   detections/pysigma/run.sh -m sigma.cli.main check FOLDER
set -euo pipefail
folder=$(dirname "$0")
# shellcheck source=core/venv.sh
. "$folder/../../core/venv.sh"
requirements=$folder/requirements.txt
install() { pip --requirement "$requirements"; }
venv pysigma "$requirements" 10 "Converting detections"
exec "$VENV/bin/python" "$@"
