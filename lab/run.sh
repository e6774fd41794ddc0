#!/usr/bin/env bash
# `npm run lab`: a whole DHIS2 site on this machine, and this program run against it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || {
  echo "The lab makes LXD containers and a login of its own: run it as root (sudo npm run lab)." >&2
  exit 1
}
bash commands/install.sh
# Inherited by all that the lab starts, but for the benches: they measure what an operator has.
[ "${1:-}" = bench ] || export NODE_OPTIONS="--require=\"$PWD/lab/transpile-cache.js\" ${NODE_OPTIONS:-}"
exec node -r ./core/register.js lab/main.ts "$@"
