#!/usr/bin/env bash
# Runs in a second proxy of the lab: apache2 in front of DHIS2, laid out as by dhis2-tools-dab. Its files are in /root/lab.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y install --no-install-recommends apache2 openssl ssl-cert
a2enmod -q ssl proxy proxy_http headers
mkdir -p /etc/apache2/upstream
install -m 0644 /root/lab/apache.conf /etc/apache2/sites-available/dhis2.conf
a2dissite -q 000-default
a2ensite -q dhis2
apache2ctl configtest
systemctl enable -q apache2
systemctl restart apache2
