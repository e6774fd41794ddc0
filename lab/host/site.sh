#!/usr/bin/env bash
# The lab's DHIS2 site: a proxy, a DHIS2 and a database, each a container of the lab's LXD project.
#   site.sh up           creates what is missing
#   site.sh add NAME ADDRESS PROVISION   one more container (PROVISION: a script of lab/site, without .sh)
#   site.sh remove NAME
set -euo pipefail
# shellcheck source=lab/lib.sh
. "$(dirname "$0")/../lib.sh"
SITE="$ROOT/lab/site"

lxd() { lxc --project "$LXD_PROJECT" "$@"; }

# files_for PROVISION: prints the files that its script finds in /root/lab.
files_for() {
  case $1 in
    proxy) echo "$SITE/nginx.conf $SITE/performance.conf $SITE/dhis.conf" ;;
    apache) echo "$SITE/apache.conf" ;;
    openresty) echo "$SITE"/openresty{,-site,-static}.conf "$SITE"/openresty{-nginx.sh,.service} "$SITE/dhis.conf" ;;
    dhis) echo "$SITE/tomcat9.service $STATE/dhis2.js" ;;
    *) ;;
  esac
}

# filled FILE...: prints files with the lab's own addresses.
filled() { sed "s/@SUBNET@/$SUBNET/g" "$@"; }

has_address() { [[ $(lxd exec "$1" -- ip -4 -o addr show scope global </dev/null 2>/dev/null) == *" $2/"* ]]; }

# container NAME ADDRESS PROVISION: creates and starts a container if necessary, and provisions it if the files have changed.
container() {
  local name=$1 address=$2 provision=$3 files sum
  read -r -a files <<<"$(files_for "$provision")"
  if ! lxd info "$name" >/dev/null 2>&1; then
    say "creating $name ($address)"
    lxd init "$IMAGE" "$name" </dev/null >/dev/null
    lxd config device override "$name" eth0 "ipv4.address=$address" >/dev/null
  fi
  [ "$(lxd list --format csv -c s "^$name\$")" = RUNNING ] || lxd start --quiet "$name"
  wait_for 120 "the address of $name" has_address "$name" "$address"
  sum=$(filled "$SITE/$provision.sh" ${files[@]+"${files[@]}"} | sha256sum | cut -d' ' -f1)
  [ "$(lxd exec "$name" -- cat /root/lab/done </dev/null 2>/dev/null || true)" != "$sum" ] || return 0
  say "installing $name"
  lxd exec "$name" -- mkdir -p /root/lab </dev/null
  local file
  for file in ${files[@]+"${files[@]}"}; do
    filled "$file" | lxd exec "$name" -- sh -c "cat >/root/lab/${file##*/}"
  done
  {
    echo 'apt-get -q update'
    filled "$SITE/$provision.sh"
  } | lxd exec "$name" -- bash -s >"$LOGS/site-$name.log" 2>&1 || fail_with_log "installing $name failed" "$LOGS/site-$name.log"
  lxd exec "$name" -- sh -c "echo $sum >/root/lab/done" </dev/null
}

up() {
  "$ROOT/node_modules/.bin/esbuild" "$ROOT/lab/standins/dhis2/dhis2.ts" --bundle --platform=node --target=node18 \
    --log-level=error --outfile="$STATE/dhis2.js"
  container proxy "$SUBNET.2" proxy
  container dhis "$SUBNET.10" dhis
  container postgres "$SUBNET.20" postgres
}

case ${1:-} in
  up) up ;;
  add) container "$2" "$3" "$4" ;;
  remove) lxd delete --force "$2" ;;
  *) die "usage: site.sh up | add NAME ADDRESS PROVISION | remove NAME" ;;
esac
