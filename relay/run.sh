#!/usr/bin/env bash
# Runs Python with the relay's packages, as pinned in relay/requirements.txt, in a virtual environment of its own in the
# cache folder, made on first use.
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=core/venv.sh
. "$folder/../core/venv.sh"
install() {
  # What builds the one package that is no wheel comes first, by its hash too.
  awk '/^setuptools==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$folder/requirements.txt" >"$VENV/build.txt"
  pip --require-hashes --no-deps --requirement "$VENV/build.txt"
  pip --require-hashes --no-deps --no-build-isolation --requirement "$folder/requirements.txt"
}
venv relay "$folder/requirements.txt" 11 "The relay"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$folder exec "$VENV/bin/python" "$@"
