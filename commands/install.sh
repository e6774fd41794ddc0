#!/usr/bin/env bash
# Installs the npm packages of package-lock.json where they are missing or others.
set -euo pipefail
cd "$(dirname "$0")/.."
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || {
  echo "dhis2-siem needs Node.js 20.19 or newer; this is $(node --version)." >&2
  exit 1
}
stamp=node_modules/.dhis2-siem-lock
# npm ci empties the folder that a link leads to: another checkout's.
if [ -L node_modules ]; then
  echo "node_modules must be a folder of this checkout, but it is a link to $(readlink node_modules); remove the link: rm node_modules" >&2
  exit 1
fi
if ! cmp -s package-lock.json "$stamp" || [ ! -d sdks/elasticstack/bin ]; then
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi
