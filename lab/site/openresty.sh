#!/usr/bin/env bash
# Runs in a third proxy of the lab: openresty in front of DHIS2, laid out as by dhis2-server-tools. Its files are in /root/lab. If
# the vendor's packages cannot be downloaded, Debian's nginx stands in for openresty, in its folders and unit.
# /root/lab/openresty says which program it is.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
HOME_OF_NGINX=/usr/local/openresty/nginx
PACKAGES=https://openresty.org/package
KEYRING=/usr/share/keyrings/openresty.gpg

if curl -fsS --max-time 5 -o /root/lab/openresty.key "$PACKAGES/pubkey.gpg"; then
  gpg --dearmor --yes -o "$KEYRING" /root/lab/openresty.key
  echo "deb [signed-by=$KEYRING] $PACKAGES/debian bookworm openresty" >/etc/apt/sources.list.d/openresty.list
  apt-get -q update
  apt-get -q -y install --no-install-recommends openresty openssl
  echo vendor >/root/lab/openresty
else
  apt-get -q -y install --no-install-recommends nginx-light openssl
  systemctl disable -q --now nginx
  mkdir -p $HOME_OF_NGINX/{sbin,logs,conf}
  cp /etc/nginx/mime.types $HOME_OF_NGINX/conf/
  install -m 0755 /root/lab/openresty-nginx.sh $HOME_OF_NGINX/sbin/nginx
  install -m 0644 /root/lab/openresty.service /etc/systemd/system/openresty.service
  systemctl daemon-reload
  echo stand-in >/root/lab/openresty
fi

cd $HOME_OF_NGINX/conf
mkdir -p conf.d/upstream static /etc/ssl/selfsigned
[ -e /etc/ssl/selfsigned/selfsigned.crt ] ||
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=dhis2.lab.test -addext subjectAltName=DNS:dhis2.lab.test \
    -keyout /etc/ssl/selfsigned/selfsigned.key -out /etc/ssl/selfsigned/selfsigned.crt 2>/dev/null
install -m 0640 /root/lab/openresty.conf nginx.conf
install -m 0640 /root/lab/openresty-site.conf conf.d/dhis2.lab.test.conf
install -m 0640 /root/lab/openresty-static.conf static/dhis2.lab.test.conf
install -m 0640 /root/lab/dhis.conf conf.d/upstream/dhis.conf
$HOME_OF_NGINX/sbin/nginx -t -q
systemctl enable -q openresty
systemctl restart openresty
