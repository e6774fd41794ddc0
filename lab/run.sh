#!/usr/bin/env bash
# `npm run lab`: a whole DHIS2 site on this machine, and this program run against it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || {
  echo "The lab makes LXD containers and a login of its own: run it as root (sudo npm run lab)." >&2
  exit 1
}
bash commands/install.sh
exec node -r ./core/register.js lab/main.ts "$@"
