#!/usr/bin/env bash
# Elastic's packages for the lab: from the vendor's repository if it can be reached, otherwise from the lab's own signed apt mirror,
# which has the vendor's layout and contains packages that are built here. $STATE/packages.json says which is used.
#   mirror.sh build | up | down | status
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
SITE=$CACHE/mirror
KEYS=$CACHE/mirror-key
LOG=$LOGS/mirror.log
PIDFILE=$RUN/mirror.pid
URL=http://$BRIDGE_ADDRESS:$MIRROR_PORT/packages
VENDOR=https://artifacts.elastic.co/packages/8.x/apt/dists/stable/Release
ARCH=$(dpkg --print-architecture)

vendor() { grep -q '"source":"vendor"' "$STATE/packages.json" 2>/dev/null; }

sign() {
  GNUPGHOME=$KEYS gpg --batch --quiet --yes --local-user "$(cat "$KEYS/fingerprint")" --digest-algo SHA256 "$@" 2>>"$LOG"
}

# end_agent: ends the agent that gpg starts for its keys.
end_agent() { GNUPGHOME=$KEYS gpgconf --kill gpg-agent; }

# signing_key: creates the key, once on each machine.
signing_key() {
  [ ! -s "$KEYS/fingerprint" ] || return 0
  say "making the mirror's signing key"
  rm -rf "$KEYS"
  mkdir -m 0700 "$KEYS"
  GNUPGHOME=$KEYS gpg --batch --quiet --passphrase '' --quick-generate-key \
    'dhis2-siem lab mirror <lab@dhis2-siem.invalid>' rsa3072 sign never >>"$LOG" 2>&1 || fail_with_log "gpg cannot make a key" "$LOG"
  GNUPGHOME=$KEYS gpg --batch --armor --export >"$KEYS/key.asc"
  GNUPGHOME=$KEYS gpg --batch --with-colons --list-keys 2>>"$LOG" |
    awk -F: '$1 == "fpr" { print $10; exit }' >"$KEYS/fingerprint"
}

deb_path() { echo "packages/${2%%.*}.x/apt/pool/main/${1:0:1}/$1/$1-$2-$ARCH.deb"; }

# index FOLDER: writes Packages, Release and its signatures, if a package has changed.
index() {
  local release=dists/stable made_of
  cd "$1"
  made_of=$(sum_of pool "$KEYS/fingerprint")
  [ "$(cat made-of 2>/dev/null)" != "$made_of" ] || return 0
  say "signing the index of $(basename "$(dirname "$1")")"
  rm -rf dists
  mkdir -p "$release/main/binary-$ARCH"
  apt-ftparchive packages pool >"$release/main/binary-$ARCH/Packages" 2>>"$LOG"
  gzip -k "$release/main/binary-$ARCH/Packages"
  apt-ftparchive -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Codename=stable \
    -o APT::FTPArchive::Release::Components=main "-oAPT::FTPArchive::Release::Architectures=$ARCH" \
    -o APT::FTPArchive::Release::Origin=elastic release "$release" >"$WORK/Release" 2>>"$LOG"
  mv "$WORK/Release" "$release/Release"
  sign --clearsign --output "$release/InRelease" "$release/Release"
  sign --armor --detach-sign --output "$release/Release.gpg" "$release/Release"
  echo "$made_of" >made-of
}

build() {
  : >"$LOG"
  if reachable "$VENDOR"; then
    say "Elastic's own repository can be reached: it is used"
    printf '{"source":"vendor"}\n' >"$STATE/packages.json"
    return 0
  fi
  WORK=$(mktemp -d "$CACHE/mirror.XXXXXX")
  trap 'rm -rf "$WORK"' EXIT
  signing_key
  bash "$ROOT/lab/build/filebeat.sh"
  bash "$ROOT/commands/elasticsearch/fetch.sh" | sed "\$d"
  local name version
  while read -r name version; do
    bash "$ROOT/lab/build/deb.sh" "$name" "$version" "$SITE/$(deb_path "$name" "$version")"
  done <<PACKAGES
filebeat $FILEBEAT_VERSION
filebeat $OLDER_FILEBEAT_VERSION
elasticsearch $ELASTIC_VERSION
kibana $ELASTIC_VERSION
PACKAGES
  index "$SITE/packages/8.x/apt"
  index "$SITE/packages/7.x/apt"
  end_agent
  cp "$KEYS/key.asc" "$SITE/GPG-KEY-elasticsearch"
  printf '{"source":"mirror","url":"%s","keyFile":"%s","fingerprint":"%s"}\n' \
    "$URL" "$KEYS/key.asc" "$(cat "$KEYS/fingerprint")" >"$STATE/packages.json"
}

serves() { curl -fsS --noproxy '*' --max-time 3 -o /dev/null "$URL/8.x/apt/dists/stable/InRelease" 2>/dev/null; }

up() {
  [ -s "$STATE/packages.json" ] || die "there is no $STATE/packages.json yet; run 'mirror.sh build' first"
  ! vendor || return 0
  ! alive "$PIDFILE" || ! serves || return 0
  stop "$PIDFILE"
  say "mirror on $URL"
  setsid python3 -m http.server "$MIRROR_PORT" --bind "$BRIDGE_ADDRESS" --directory "$SITE" </dev/null >"$LOGS/mirror-http.log" 2>&1 &
  echo $! >"$PIDFILE"
  wait_for 20 "the mirror on $URL (its log: $LOGS/mirror-http.log)" serves
}

case ${1:-} in
  build) locked builds build ;;
  up) up ;;
  down) stop "$PIDFILE" ;;
  status) if vendor; then echo "not needed: Elastic's own repository is used"; else alive "$PIDFILE" && echo "up on $URL"; fi ;;
  *) die "usage: mirror.sh build | up | down | status" ;;
esac
