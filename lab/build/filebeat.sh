#!/usr/bin/env bash
# Filebeat without its vendor: built from its Go module (lab/build/filebeat) into $CACHE/bin, with the journald input.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lab/build/go.sh
. "$(dirname "$0")/go.sh"
LOG=$LOGS/filebeat.log
TARGET=$CACHE/bin/filebeat
SOURCE=$ROOT/lab/build/filebeat

made_of=$(sum_of "$0" "$SOURCE")
[ ! -x "$TARGET" ] || [ "$(cat "$TARGET.made-of" 2>/dev/null)" != "$made_of" ] || exit 0
: >"$LOG"
need_go "$LOG"
say "building Filebeat $FILEBEAT_VERSION from its Go module (some minutes, once)"
(cd "$SOURCE" && CGO_ENABLED=1 "$GO" build -mod=readonly -trimpath -tags withjournald -ldflags '-s -w' -o "$TARGET.new" .) >>"$LOG" 2>&1 ||
  fail_with_log "Filebeat does not build" "$LOG"
mv "$TARGET.new" "$TARGET"
grep -qF "version $FILEBEAT_VERSION " <<<"$("$TARGET" version 2>&1)" || die "$TARGET is not Filebeat $FILEBEAT_VERSION"
echo "$made_of" >"$TARGET.made-of"
forget_go
