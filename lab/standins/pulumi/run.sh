#!/usr/bin/env bash
# run.sh NAME ARGS...: a stand-in for one of Pulumi's plugins, as one file of JavaScript in the cache. The engine starts each
# plugin anew for every command, and so it starts in a fifth of the time. The file is made again when its sources change.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=core/shell.sh
. "$ROOT/core/shell.sh"
NAME=$1
shift
MADE_OF=$(sum_of "$ROOT/package-lock.json" "$ROOT/core" "$ROOT/connection" "$ROOT/kibana" "$ROOT/render" "$ROOT/lab/standins/pulumi")
BUNDLE=$CACHE/standins/$NAME-$MADE_OF.js
if [ ! -e "$BUNDLE" ]; then
  mkdir -p "$CACHE/standins"
  # Two may begin at once: the file is there when it is whole. ssh2 does without its native modules.
  "$ROOT/node_modules/.bin/esbuild" "$ROOT/lab/standins/pulumi/$NAME.ts" --bundle --platform=node --target=node20 \
    --log-level=error '--external:*.node' --outfile="$BUNDLE.$$" >&2
  find "$CACHE/standins" -type f -mmin +1440 -delete
  mv "$BUNDLE.$$" "$BUNDLE"
fi
exec node "$BUNDLE" "$@"
