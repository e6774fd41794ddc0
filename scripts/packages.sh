# shellcheck shell=bash
# Elastic's packages, from its own apt repository or a mirror of it.
# Values: PACKAGES_URL, PACKAGES_FINGERPRINT; file: file_packages_key (may be empty: fetched from the repository).

KEYRING=/etc/apt/keyrings/dhis2-siem-elastic.gpg
SOURCE=/etc/apt/sources.list.d/dhis2-siem-elastic.list
# What is behind the name of another list of Elastic's packages, so that apt passes it over without a word.
OFF=.dhis2-siem.disabled

# try_apt_get ARGS...: apt-get that waits for its locks (unattended upgrades, cloud-init) with a deadline of ten minutes.
# False where apt-get fails; $WORK/apt.log has its words.
try_apt_get() {
  local end=$((SECONDS + 600)) log="$WORK/apt.log" said=""
  until apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
    -o Dpkg::Options::=--force-confdef -o APT::Update::Error-Mode=any "$@" >"$log" 2>&1; do
    grep -q 'Could not get lock' "$log" || return 1
    [ "$SECONDS" -lt "$end" ] || die "another package manager has held apt's lock for ten minutes: $(grep -m1 'Could not get lock' "$log")"
    [ -n "$said" ] || say "waiting for another package manager to finish"
    said=1
    sleep 2
  done
}

apt_get() {
  try_apt_get "$@" && return 0
  tail -n 15 "$WORK/apt.log" >&2
  die "apt-get $1 failed; the lines above are its own"
}

# update_lists: what the container's own repositories have. One of them that cannot be read (retired, or its key has
# expired) is no reason to go without what the others have.
update_lists() {
  try_apt_get update || warn "not every package repository of $(hostname) can be read: $(grep -m1 '^[EW]:' "$WORK/apt.log")"
}

# need_packages NAME...: the system's own packages, installed only where missing.
need_packages() {
  local missing=() name
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  update_lists
  apt_get install --no-install-recommends "${missing[@]}"
}

# fingerprints FILE: of every key in it, secret ones too (sqv, apt's verifier from Debian 13 on, takes either); nothing where
# there is none.
fingerprints() {
  GNUPGHOME="$WORK" gpg --batch --with-colons --show-keys "$1" 2>/dev/null |
    awk -F: '$1 == "pub" || $1 == "sec" { want = 1 } $1 == "fpr" && want { found = found sep $10; sep = " and "; want = 0 } END { print found }' || true
}

# elastic_repository MAJOR [INSTALLED]: key (checked against the fingerprint) and source of Elastic's packages of that major
# version. In every run: a release upgrade of the container switches the source off, and the config's may be another by now.
# With INSTALLED nothing is to be fetched from there, so a key that is in place is not fetched again.
elastic_repository() {
  local major=$1 installed=${2:-} key="$WORK/packages.key" found
  need_packages ca-certificates curl gnupg
  file_packages_key >"$key"
  if ! grep -q 'BEGIN PGP' "$key"; then
    if [ -n "$installed" ] && [ -s "$KEYRING" ] && [ "$(fingerprints "$KEYRING")" = "$PACKAGES_FINGERPRINT" ]; then
      cp "$KEYRING" "$key"
    else
      curl -fsS --max-time 60 -o "$key" "${PACKAGES_URL%/packages}/GPG-KEY-elasticsearch" ||
        die "the signing key cannot be fetched from ${PACKAGES_URL%/packages}/GPG-KEY-elasticsearch; is the repository reachable from $(hostname)?"
    fi
  fi
  # One key and no other: apt would believe each that is in its file.
  found=$(fingerprints "$key")
  [ "$found" = "$PACKAGES_FINGERPRINT" ] ||
    die "the packages' signing key has the fingerprint ${found:-(none)}, the stack's config says $PACKAGES_FINGERPRINT (dhis2-siem:packages)"
  if grep -q 'BEGIN PGP' "$key"; then GNUPGHOME="$WORK" gpg --batch --yes --dearmor "$key"; else cp "$key" "$key.gpg"; fi
  put_file "$KEYRING" 0644 root:root <"$key.gpg"
  other_lists "$major"
  put_file "$SOURCE" 0644 root:root <<LIST
deb [signed-by=$KEYRING] $PACKAGES_URL/$major.x/apt stable main
LIST
}

# other_lists MAJOR: two lists of the same repository with different keys, and apt reads none at all; dhis2-tools-dab leaves one.
other_lists() {
  local other
  for other in /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ "$other" != "$SOURCE" ] || continue
    grep -qsF "${PACKAGES_URL#*://}/$1.x/apt" "$other" || continue
    say "$other names Elastic's packages too: it is put aside as $other$OFF"
    mv "$other" "$other$OFF"
  done
}

# elastic_package NAME VERSION: that version exactly, held against upgrades. A new one is noted as changed: the vendor's
# packages restart nothing, and the old program would go on running.
elastic_package() {
  local name=$1 version=$2 have more=()
  have=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$name" 2>/dev/null || true)
  if [ "$have" = "installed $version" ]; then
    elastic_repository "${version%%.*}" installed
  else
    if [ "${have% *}" = installed ] && dpkg --compare-versions "${have#* }" gt "$version"; then
      [ "$name" = filebeat ] ||
        die "$name ${have#* } is installed in $(hostname), and no older one reads what it wrote: the config's versions.elastic must be ${have#* } or newer, not $version"
      more=(--allow-downgrades)
    fi
    elastic_repository "${version%%.*}"
    say "installing $name $version"
    # This list only: what is wrong with another is no matter here.
    apt_get update -o "Dir::Etc::sourcelist=$SOURCE" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0
    apt-cache madison "$name" | awk '{ print $3 }' | sort -uV >"$WORK/versions"
    grep -qxF "$version" "$WORK/versions" ||
      die "$PACKAGES_URL has no $name $version for $(dpkg --print-architecture); it has: $(tail -n 5 "$WORK/versions" | paste -sd ' ')"
    # Where it needs something that apt does not know yet.
    apt-get -s install --allow-change-held-packages ${more[@]+"${more[@]}"} "$name=$version" >/dev/null 2>&1 || update_lists
    apt_get install --allow-change-held-packages ${more[@]+"${more[@]}"} "$name=$version"
    CHANGED+=("package:$name")
  fi
  apt-mark hold "$name" >/dev/null
}

remove_elastic_repository() {
  local other
  rm -f "$KEYRING" "$SOURCE"
  for other in /etc/apt/sources.list.d/*"$OFF"; do
    [ ! -e "$other" ] || mv "$other" "${other%"$OFF"}"
  done
}
