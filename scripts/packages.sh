# shellcheck shell=bash
# Installs Elastic's packages, from Elastic's apt repository or a mirror of it.
# Values: PACKAGES_URL, PACKAGES_FINGERPRINT. File: file_packages_key (if it is empty, the key is fetched from the repository).

KEYRING=/etc/apt/keyrings/dhis2-siem-elastic.gpg
PACKAGE_LIST=/etc/apt/sources.list.d/dhis2-siem-elastic.list
# Appended to the name of another list of Elastic's packages, so that apt ignores it without a warning.
DISABLED=.dhis2-siem.disabled

# try_apt_get ARGS...: runs apt-get; waits at most ten minutes for its locks, which unattended upgrades or cloud-init may hold.
# Returns 1 if apt-get fails; its output is in $WORK/apt.log.
try_apt_get() {
  local end=$((SECONDS + 600)) log="$WORK/apt.log" is_reported=""
  until apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confold \
    -o Dpkg::Options::=--force-confdef -o APT::Update::Error-Mode=any "$@" >"$log" 2>&1; do
    grep -q 'Could not get lock' "$log" || return 1
    [ "$SECONDS" -lt "$end" ] || die "another package manager has held apt's lock for ten minutes: $(grep -m1 'Could not get lock' "$log")"
    [ -n "$is_reported" ] || say "waiting for another package manager to finish, at most ten minutes"
    is_reported=1
    sleep 2
  done
}

# apt_get ARGS...: as try_apt_get, but ends the step if apt-get fails.
apt_get() {
  try_apt_get "$@" && return 0
  tail -n 15 "$WORK/apt.log" >&2
  die "apt-get $1 failed; the lines above are its own"
}

# update_lists: reads which packages the container's own repositories have. If one cannot be read (it is retired, or its key has
# expired), the step continues with the others.
update_lists() {
  try_apt_get update || warn "not every package repository of $(hostname) can be read: $(grep -m1 '^[EW]:' "$WORK/apt.log")"
}

# need_packages NAME...: installs the distribution's packages that are missing.
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

# fingerprints FILE: prints the fingerprint of every key in the file, nothing if there is no key. Secret keys count too, because
# sqv, apt's verifier since Debian 13, accepts them.
fingerprints() {
  GNUPGHOME="$WORK" gpg --batch --with-colons --show-keys "$1" 2>/dev/null |
    awk -F: '$1 == "pub" || $1 == "sec" { is_primary = 1 } $1 == "fpr" && is_primary { found = found sep $10; sep = " and "; is_primary = 0 } END { print found }' || true
}

# elastic_repository MAJOR [IS_INSTALLED]: writes the signing key (checked against the fingerprint) and apt's list for Elastic's
# packages of that major version. It does so in every run: a release upgrade of the container disables the list, and the config
# may name another repository now. With IS_INSTALLED no package will be fetched, so an existing key is not fetched again.
elastic_repository() {
  local major=$1 is_installed=${2:-} key="$WORK/packages.key" found
  need_packages ca-certificates curl gnupg
  file_packages_key >"$key"
  if ! grep -q 'BEGIN PGP' "$key"; then
    if [ -n "$is_installed" ] && [ -s "$KEYRING" ] && [ "$(fingerprints "$KEYRING")" = "$PACKAGES_FINGERPRINT" ]; then
      cp "$KEYRING" "$key"
    else
      curl -fsS --max-time 60 -o "$key" "${PACKAGES_URL%/packages}/GPG-KEY-elasticsearch" ||
        die "the signing key cannot be fetched from ${PACKAGES_URL%/packages}/GPG-KEY-elasticsearch; make the repository reachable from $(hostname), or set the key itself in dhis2-siem:packages"
    fi
  fi
  # The file must contain this key only: apt trusts every key in it.
  found=$(fingerprints "$key")
  [ "$found" = "$PACKAGES_FINGERPRINT" ] ||
    die "the packages' signing key has the fingerprint ${found:-(none)}, the stack's config says $PACKAGES_FINGERPRINT (dhis2-siem:packages)"
  if grep -q 'BEGIN PGP' "$key"; then GNUPGHOME="$WORK" gpg --batch --yes --dearmor "$key"; else cp "$key" "$key.gpg"; fi
  put_file "$KEYRING" 0644 root:root <"$key.gpg"
  disable_other_lists "$major"
  put_file "$PACKAGE_LIST" 0644 root:root <<LIST
deb [signed-by=$KEYRING] $PACKAGES_URL/$major.x/apt stable main
LIST
}

# disable_other_lists MAJOR: if two lists name the same repository with different keys, apt reads no list at all. dhis2-tools-dab
# leaves such a list.
disable_other_lists() {
  local other
  for other in /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ "$other" != "$PACKAGE_LIST" ] || continue
    grep -qsF "${PACKAGES_URL#*://}/$1.x/apt" "$other" || continue
    say "$other names Elastic's packages too: it is renamed to $other$DISABLED"
    mv "$other" "$other$DISABLED"
  done
}

# elastic_package NAME VERSION: installs exactly this version, and holds it against upgrades. A new version is recorded as changed,
# because the vendor's packages do not restart the running program.
elastic_package() {
  local name=$1 version=$2 status options=()
  status=$(dpkg-query -W -f '${db:Status-Status} ${Version}' "$name" 2>/dev/null || true)
  if [ "$status" = "installed $version" ]; then
    elastic_repository "${version%%.*}" installed
  else
    if [ "${status% *}" = installed ] && dpkg --compare-versions "${status#* }" gt "$version"; then
      [ "$name" = filebeat ] ||
        die "$name ${status#* } is installed in $(hostname), and an older version cannot read its data: the config's versions.elastic must be ${status#* } or newer, not $version"
      options=(--allow-downgrades)
    fi
    elastic_repository "${version%%.*}"
    say "installing $name $version"
    # Reads this list only, so that a fault of another list does not matter here.
    apt_get update -o "Dir::Etc::sourcelist=$PACKAGE_LIST" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0
    apt-cache madison "$name" | awk '{ print $3 }' | sort -uV >"$WORK/versions"
    grep -qxF "$version" "$WORK/versions" ||
      die "$PACKAGES_URL has no $name $version for $(dpkg --print-architecture); it has: $(tail -n 5 "$WORK/versions" | paste -sd ' ')"
    # The package may need other packages that apt does not know yet.
    apt-get -s install --allow-change-held-packages ${options[@]+"${options[@]}"} "$name=$version" >/dev/null 2>&1 || update_lists
    apt_get install --allow-change-held-packages ${options[@]+"${options[@]}"} "$name=$version"
    CHANGED+=("package:$name")
  fi
  apt-mark hold "$name" >/dev/null
}

# remove_elastic_repository: also restores the lists that disable_other_lists renamed.
remove_elastic_repository() {
  local other
  rm -f "$KEYRING" "$PACKAGE_LIST"
  for other in /etc/apt/sources.list.d/*"$DISABLED"; do
    [ ! -e "$other" ] || mv "$other" "${other%"$DISABLED"}"
  done
}
