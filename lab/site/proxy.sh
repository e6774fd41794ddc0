#!/usr/bin/env bash
# Runs in the lab's proxy container: nginx in front of DHIS2. Its files are in /root/lab.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y install --no-install-recommends nginx-light openssl
mkdir -p /etc/nginx/ssl /etc/nginx/upstream
[ -e /etc/nginx/ssl/server.crt ] ||
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=dhis2.lab.test -addext subjectAltName=DNS:dhis2.lab.test \
    -keyout /etc/nginx/ssl/server.key -out /etc/nginx/ssl/server.crt 2>/dev/null
install -m 0644 /root/lab/nginx.conf /etc/nginx/nginx.conf
install -m 0644 /root/lab/performance.conf /etc/nginx/conf.d/performance.conf
install -m 0644 /root/lab/dhis.conf /etc/nginx/upstream/dhis.conf
nginx -t -q
systemctl enable -q nginx
systemctl restart nginx
