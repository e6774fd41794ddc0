#!/usr/bin/env bash
# Pulumi's CLI in $CACHE/bin: the vendor's where it can be reached, else built from its Go module. Its plugins in
# $CACHE/pulumi: the vendor's likewise; for those that cannot be had, $STATE/plugins names the stand-ins, for the PATH.
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=lab/build/go.sh
. "$(dirname "$0")/go.sh"
LOG=$LOGS/pulumi.log
TARGET=$CACHE/bin/pulumi
RELEASES=https://get.pulumi.com/releases/sdk
MODULE=github.com/pulumi/pulumi

# works: the vendor's says v3.1.2, one built here 3.1.2.
works() { [[ $(PULUMI_SKIP_UPDATE_CHECK=1 "$TARGET" version 2>/dev/null) =~ ^v?"$PULUMI_VERSION"$ ]]; }

download() {
  local arch file
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) die "Pulumi has no CLI for $(uname -m)" ;;
  esac
  file=pulumi-v$PULUMI_VERSION-linux-$arch.tar.gz
  say "downloading Pulumi $PULUMI_VERSION"
  curl -fsSL --max-time 600 -o "$WORK/$file" "$RELEASES/$file"
  curl -fsSL --max-time 60 -o "$WORK/sums" "$RELEASES/pulumi-$PULUMI_VERSION-checksums.txt"
  (cd "$WORK" && grep -F "  $file" sums | sha256sum -c --strict --quiet) || die "$file has another checksum than the vendor's"
  tar -xzf "$WORK/$file" -C "$WORK"
  mv "$WORK"/pulumi/* "$CACHE/bin/"
}

build() {
  need_go "$LOG"
  say "building Pulumi $PULUMI_VERSION from its Go module (some minutes, once)"
  cd "$WORK"
  {
    "$GO" mod init dhis2-siem/lab/pulumi &&
      "$GO" get "$MODULE/pkg/v3/cmd/pulumi@v$PULUMI_VERSION" &&
      CGO_ENABLED=0 "$GO" build -trimpath -o "$TARGET.new" \
        -ldflags "-s -w -X $MODULE/sdk/v3/go/common/version.Version=$PULUMI_VERSION" "$MODULE/pkg/v3/cmd/pulumi"
  } >>"$LOG" 2>&1 || fail_with_log "Pulumi's CLI does not build" "$LOG"
  mv "$TARGET.new" "$TARGET"
  forget_go
}

# vendor_plugin RESOURCE-PLUGIN: installs it in the version that the program's package names.
vendor_plugin() {
  local version
  case $1 in
    terraform-provider) version=1.1.3 ;;
    *) version=$(node -p "require('$ROOT/node_modules/@pulumi/$1/package.json').version") ;;
  esac
  PULUMI_HOME=$CACHE/pulumi "$TARGET" plugin install resource "$1" "$version" >>"$LOG" 2>&1
}

plugins() {
  local program standins=$ROOT/lab/standins/pulumi/bin vendor=""
  ! reachable "$RELEASES/pulumi-$PULUMI_VERSION-checksums.txt" || vendor=1
  rm -rf "$STATE/plugins"
  mkdir -p "$STATE/plugins"
  for program in "$standins"/*; do
    case ${program##*/} in
      pulumi-language-nodejs) [ ! -x "$CACHE/bin/pulumi-language-nodejs" ] || continue ;;
      pulumi-resource-*) [ -z "$vendor" ] || ! vendor_plugin "${program##*/pulumi-resource-}" || continue ;;
    esac
    ln -s "$program" "$STATE/plugins/"
  done
}

make() {
  ! works || return 0
  : >"$LOG"
  WORK=$(mktemp -d "$CACHE/pulumi.XXXXXX")
  trap 'rm -rf "$WORK"' EXIT
  if reachable "$RELEASES/pulumi-$PULUMI_VERSION-checksums.txt"; then download; else build; fi
  works || die "$TARGET does not say that it is $PULUMI_VERSION: $("$TARGET" version 2>&1 | tail -n 1)"
}
works || locked builds make
plugins
