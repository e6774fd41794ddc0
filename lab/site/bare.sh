#!/usr/bin/env bash
# Runs in a container of the lab that contains only the system.
set -euo pipefail
