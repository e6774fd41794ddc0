#!/usr/bin/env bash
# Runs in the lab's monitor: munin as Debian has it, behind apache2.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y install --no-install-recommends apache2 munin munin-node
systemctl enable -q apache2 munin-node
systemctl restart apache2 munin-node
