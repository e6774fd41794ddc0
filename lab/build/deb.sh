#!/usr/bin/env bash
# Makes one of the lab's packages from lab/build/deb/NAME and what was built before; prints nothing where it is up to date.
#   deb.sh NAME VERSION FILE.deb
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
NAME=$1 VERSION=$2 TARGET=$3
TEMPLATE=$ROOT/lab/build/deb/$NAME
COMMON=$ROOT/lab/build/deb/common
LOG=$LOGS/deb-$NAME.log
ARCH=$(dpkg --print-architecture)

# Each payload: what goes into the package beside its template's root/.
elasticsearch_payload() {
  local home=$1/usr/share/elasticsearch source=$CACHE/elasticsearch-$VERSION
  mkdir -p "$home/plugins" "$1/etc/elasticsearch/jvm.options.d" "$1/var/lib/elasticsearch" "$1/var/log/elasticsearch"
  cp -R "$source/bin" "$source/lib" "$source/modules" "$source"/*.txt "$home/"
  cp -R "$source/config/." "$1/etc/elasticsearch/"
  ln -s "/usr/lib/jvm/java-17-openjdk-$ARCH" "$home/jdk"
  # What differs in the vendor's package: where the settings, data and logs are.
  sed -i -e 's/^ES_DISTRIBUTION_TYPE=.*/ES_DISTRIBUTION_TYPE=deb/' \
    -e '/ES_PATH_CONF="[$]ES_HOME"/c source /etc/default/elasticsearch' "$home/bin/elasticsearch-env"
  sed -i -e 's|^#path.data: .*|path.data: /var/lib/elasticsearch|' -e 's|^#path.logs: .*|path.logs: /var/log/elasticsearch|' \
    "$1/etc/elasticsearch/elasticsearch.yml"
}

kibana_payload() {
  mkdir -p "$1/usr/share/kibana/bin" "$1/var/lib/kibana" "$1/var/log/kibana"
  cp "$TEMPLATE/kibana.sh" "$1/usr/share/kibana/bin/kibana"
  cp "$TEMPLATE/kibana-keystore.sh" "$1/usr/share/kibana/bin/kibana-keystore"
  cp "$BUNDLE" "$1/usr/share/kibana/kibana.js"
}

filebeat_payload() {
  mkdir -p "$1/usr/bin" "$1/usr/share/filebeat/bin" "$1/var/lib/filebeat" "$1/var/log/filebeat"
  cp "$TEMPLATE/filebeat.sh" "$1/usr/bin/filebeat"
  cp "$CACHE/bin/filebeat" "$1/usr/share/filebeat/bin/"
}

filled() { sed -e "s/@NAME@/$NAME/g" -e "s/@VERSION@/$VERSION/g" -e "s/@ARCH@/$ARCH/g" "$1"; }

package() {
  local stage=$WORK/$NAME script
  mkdir -p "$stage/DEBIAN"
  cp -R "$TEMPLATE/root/." "$stage/"
  "${NAME}_payload" "$stage"
  chmod -R u=rwX,go=rX "$stage"
  [ ! -d "$stage/usr/bin" ] || chmod 0755 "$stage"/usr/bin/*
  chmod 0755 "$stage/usr/share/$NAME"/bin/*
  [ "$NAME" != filebeat ] || chmod 0600 "$stage/etc/filebeat/filebeat.yml"
  filled "$TEMPLATE/control" >"$stage/DEBIAN/control"
  for script in "$COMMON"/* "$TEMPLATE"/p*; do
    filled "$script" >"$stage/DEBIAN/$(basename "$script")"
    chmod 0755 "$stage/DEBIAN/$(basename "$script")"
  done
  (cd "$stage" && find etc -type f -printf '/%p\n' | sort) >"$stage/DEBIAN/conffiles"
  mkdir -p "$(dirname "$TARGET")"
  dpkg-deb --root-owner-group -Zgzip -z1 --build "$stage" "$WORK/package.deb" >"$LOG" 2>&1 ||
    fail_with_log "the package $NAME cannot be made" "$LOG"
  mv "$WORK/package.deb" "$TARGET"
}

WORK=$(mktemp -d "$CACHE/deb.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
case $NAME in
  elasticsearch) sources=("$CACHE/elasticsearch-$VERSION/made-of") ;;
  filebeat) sources=("$CACHE/bin/filebeat.made-of") ;;
  kibana)
    BUNDLE=$WORK/kibana.js
    # undici, by which it asks Elasticsearch, wants a global that Debian 12's Node does not have yet.
    (cd "$ROOT" && node_modules/.bin/esbuild lab/standins/kibana/main.ts --bundle --platform=node --target=node18 \
      '--banner:js=globalThis.File ??= require("node:buffer").File;' --log-level=warning "--outfile=$BUNDLE") \
      >"$LOG" 2>&1 || fail_with_log "Kibana's stand-in cannot be bundled" "$LOG"
    sources=("$BUNDLE")
    ;;
  *) die "there is no package $NAME" ;;
esac
made_of=$(sum_of "$0" "$TEMPLATE" "$COMMON" "${sources[@]}")
if [ ! -e "$TARGET" ] || [ "$(cat "$TARGET.made-of" 2>/dev/null)" != "$made_of" ]; then
  say "packing $NAME $VERSION"
  package
  echo "$made_of" >"$TARGET.made-of"
fi
