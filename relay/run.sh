#!/usr/bin/env bash
# Runs Python with the relay's packages, as pinned in relay/requirements.txt. Their virtual environment is in the cache folder; the
# first run creates it.
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=core/venv.sh
. "$folder/../core/venv.sh"
install() {
  # setuptools first, also checked by its hash: it builds the one package that has no wheel.
  awk '/^setuptools==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$folder/requirements.txt" >"$VENV/build.txt"
  pip --require-hashes --no-deps --requirement "$VENV/build.txt"
  pip --require-hashes --no-deps --no-build-isolation --requirement "$folder/requirements.txt"
}
venv relay "$folder/requirements.txt" 11 "The relay"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$folder exec "$VENV/bin/python" "$@"
