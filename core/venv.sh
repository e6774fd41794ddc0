# shellcheck shell=bash
# For detections/pysigma/run.sh and relay/run.sh, which source it.

# shellcheck source=core/shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"

# venv NAME REQUIREMENTS MINOR WHO: a virtual environment in the cache folder, in $VENV, that the caller's `install` fills on
# first use. A new pin gets one of its own. WHO needs Python 3.MINOR.
venv() {
  VENV="$CACHE/$1-$(sha256sum "$2" | cut -c 1-12)"
  [ ! -e "$VENV/complete" ] || return 0
  if ! python3 -c "import sys, ensurepip; sys.exit(sys.version_info < (3, $3))" 2>/dev/null; then
    echo "$4 needs Python 3.$3 or newer with venv (on Debian: apt-get install python3-venv)." >&2
    exit 69
  fi
  echo "making an environment for $1 in $VENV" >&2
  rm -rf "$VENV"
  python3 -m venv "$VENV"
  install >&2
  touch "$VENV/complete"
}

pip() { "$VENV/bin/pip" install --quiet --disable-pip-version-check "$@"; }
