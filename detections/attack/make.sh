#!/usr/bin/env bash
# Prints detections/attack/attack.json, from the package in requirements.txt or from one of MITRE's own files:
#   detections/attack/make.sh > detections/attack/attack.json
#   detections/attack/make.sh enterprise-attack-19.0.json > detections/attack/attack.json
set -euo pipefail
folder=$(dirname "$0")
# shellcheck source=core/venv.sh
. "$folder/../../core/venv.sh"
requirements=$folder/requirements.txt
install() { pip --require-hashes --no-deps --requirement "$requirements"; }
venv attack "$requirements" 8 "Making ATT&CK's data"
exec "$VENV/bin/python" "$folder/make.py" "$@"
