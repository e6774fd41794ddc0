#!/usr/bin/env bash
# Runs actionlint, the linter of GitHub's workflows, with these arguments. On first use it is built from its Go module in
# the cache folder. Ends with 69 where it cannot be had.
set -euo pipefail
SOURCE=$(cd "$(dirname "$0")" && pwd)/actionlint
# shellcheck source=lab/lib.sh
. "$SOURCE/../../../lab/lib.sh"
# shellcheck source=lab/build/go.sh
. "$ROOT/lab/build/go.sh"
LOG=$LOGS/actionlint.log
TARGET=$CACHE/bin/actionlint-$(sum_of "$SOURCE" | cut -c 1-12)

build() (
  need_go "$LOG"
  work=$(mktemp -d "$CACHE/actionlint.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  export GOPATH=$work/go GOCACHE=$work/objects
  cd "$SOURCE"
  "$GO" build -mod=readonly -trimpath -o "$work/actionlint" github.com/rhysd/actionlint/cmd/actionlint >>"$LOG" 2>&1 ||
    fail_with_log "actionlint does not build" "$LOG"
  mv "$work/actionlint" "$TARGET"
)

if [ ! -x "$TARGET" ]; then
  : >"$LOG"
  build >&2 || exit 69
fi
exec "$TARGET" "$@"
