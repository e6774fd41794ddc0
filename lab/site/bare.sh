#!/usr/bin/env bash
# Runs in a container of the lab that has nothing in it but the system.
set -euo pipefail
