#!/usr/bin/env bash
# Runs in the lab's database container: Debian's PostgreSQL, which the DHIS2 container can reach.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y install --no-install-recommends postgresql
for folder in /etc/postgresql/*/main; do
  printf "listen_addresses = '*'\n" >"$folder/conf.d/10-lab.conf"
  grep -q @SUBNET@.10 "$folder/pg_hba.conf" || echo 'host all all @SUBNET@.10/32 scram-sha-256' >>"$folder/pg_hba.conf"
done
systemctl restart postgresql
