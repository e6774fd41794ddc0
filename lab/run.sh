#!/usr/bin/env bash
# `npm run lab`: brings up a whole DHIS2 site on this machine, and deploys this program's stack to it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || {
  echo "The lab makes LXD containers and a login of its own: run it as root (sudo npm run lab)." >&2
  exit 1
}
bash commands/install.sh
# All programs that the lab starts inherit this, except the benchmarks, which measure what an operator has.
[ "${1:-}" = bench ] || export NODE_OPTIONS="--require=\"$PWD/lab/transpile-cache.js\" ${NODE_OPTIONS:-}"
exec node -r ./core/register.js lab/main.ts "$@"
