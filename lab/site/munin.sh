#!/usr/bin/env bash
# Runs in the lab's monitor container: Debian's munin behind apache2.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y install --no-install-recommends apache2 munin munin-node
systemctl enable -q apache2 munin-node
systemctl restart apache2 munin-node
