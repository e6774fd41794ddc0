#!/usr/bin/env bash
# Runs in the lab's DHIS2 container: the stand-in for DHIS2, as Tomcat's service.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y install --no-install-recommends nodejs
id tomcat >/dev/null 2>&1 || useradd --system --home /opt/dhis2 tomcat
install -d -o tomcat -g tomcat /opt/dhis2 /opt/dhis2/logs
install -m 0644 /root/lab/dhis2.js /opt/dhis2/standin.js
install -m 0644 /root/lab/tomcat9.service /etc/systemd/system/tomcat9.service
systemctl daemon-reload
systemctl enable -q tomcat9
systemctl restart tomcat9
