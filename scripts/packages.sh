# shellcheck shell=bash
# Elastic's packages, from its own apt repository or a mirror of it.
# Values: PACKAGES_URL, PACKAGES_FINGERPRINT; file: file_packages_key (may be empty: fetched from the repository).

: "${PACKAGES_URL:=}" "${PACKAGES_FINGERPRINT:=}"

# apt_get ARGS...: apt-get that waits for its locks (unattended upgrades, cloud-init) with a deadline of ten minutes.
apt_get() {
  local end=$((SECONDS + 600)) log="$WORK/apt.log" said=""
  until apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
    -o Dpkg::Options::=--force-confdef -o APT::Update::Error-Mode=any "$@" >"$log" 2>&1; do
    if ! grep -q 'Could not get lock' "$log"; then
      tail -n 15 "$log" >&2
      die "apt-get $* failed; the lines above are its own"
    fi
    [ "$SECONDS" -lt "$end" ] || die "another package manager has held apt's lock for ten minutes: $(grep -m1 'Could not get lock' "$log")"
    [ -n "$said" ] || say "waiting for another package manager to finish"
    said=1
    sleep 2
  done
}

# need_packages NAME...: the system's own packages, installed only where missing.
need_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  apt_get update
  apt_get install --no-install-recommends "${missing[@]}"
}

# elastic_repository MAJOR: key (checked against the fingerprint) and source of Elastic's packages of that major version.
elastic_repository() {
  local major=$1 key="$WORK/packages.asc" found
  need_packages ca-certificates curl gnupg
  file_packages_key >"$key"
  if ! grep -q 'BEGIN PGP' "$key"; then
    curl -fsS --max-time 60 -o "$key" "${PACKAGES_URL%/packages}/GPG-KEY-elasticsearch" ||
      die "the signing key cannot be fetched from ${PACKAGES_URL%/packages}/GPG-KEY-elasticsearch; is the repository reachable from $(hostname)?"
  fi
  found=$(GNUPGHOME="$WORK" gpg --batch --with-colons --show-keys "$key" 2>/dev/null | awk -F: '$1 == "fpr" { print $10; exit }')
  [ "$found" = "$PACKAGES_FINGERPRINT" ] ||
    die "the packages' signing key has the fingerprint ${found:-(none)}, the stack's config says $PACKAGES_FINGERPRINT (dhis2-siem:packages)"
  GNUPGHOME="$WORK" gpg --batch --dearmor <"$key" >"$WORK/packages.gpg"
  put_file /etc/apt/keyrings/dhis2-siem-elastic.gpg 0644 root:root <"$WORK/packages.gpg"
  put_file /etc/apt/sources.list.d/dhis2-siem-elastic.list 0644 root:root <<LIST
deb [signed-by=/etc/apt/keyrings/dhis2-siem-elastic.gpg] $PACKAGES_URL/$major.x/apt stable main
LIST
}

# elastic_package NAME VERSION: that version exactly, held against upgrades.
elastic_package() {
  local name=$1 version=$2 have
  have=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$name" 2>/dev/null || true)
  if [ "$have" != "installed $version" ]; then
    elastic_repository "${version%%.*}"
    say "installing $name $version"
    apt_get update
    apt-cache madison "$name" | awk '{ print $3 }' | sort -uV >"$WORK/versions"
    grep -qxF "$version" "$WORK/versions" ||
      die "$PACKAGES_URL has no $name $version for $(dpkg --print-architecture); it has: $(tail -n 5 "$WORK/versions" | paste -sd ' ')"
    apt_get install --allow-change-held-packages "$name=$version"
  fi
  apt-mark hold "$name" >/dev/null
}

remove_elastic_repository() {
  rm -f /etc/apt/keyrings/dhis2-siem-elastic.gpg /etc/apt/sources.list.d/dhis2-siem-elastic.list
}
