#!/usr/bin/env bash
# `npm test`: installs what the suites need, then runs them (tests/run.ts). Ends with "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."
bash commands/install.sh
missing=()
for pair in shellcheck:shellcheck ssh-keygen:openssh-client unzip:unzip java:default-jre-headless mvn:maven python3:python3; do
  command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]}"
    apt-get -q -y update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "The tests need ${missing[*]}; install them (as root: apt-get install ${missing[*]}) and run npm test again." >&2
    exit 1
  fi
fi
# Inherited by all that the suites start.
export NODE_OPTIONS="--require=\"$PWD/lab/transpile-cache.js\" ${NODE_OPTIONS:-}"
exec node -r ./core/register.js tests/run.ts "$@"
