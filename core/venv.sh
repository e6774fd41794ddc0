# shellcheck shell=bash
# Python environments, for scripts that source this file.

# shellcheck source=core/shell.sh
. "$(dirname "${BASH_SOURCE[0]}")/shell.sh"

# venv NAME REQUIREMENTS MINOR WHO: sets VENV to a virtual environment in the cache folder. On first use it is created, and the
# caller's function `install` fills it. Other contents of the file REQUIREMENTS get another environment. WHO (for the error)
# needs Python 3.MINOR.
venv() {
  VENV="$CACHE/$1-$(sha256sum "$2" | cut -c 1-12)"
  [ ! -e "$VENV/complete" ] || return 0
  if ! python3 -c "import sys, ensurepip; sys.exit(sys.version_info < (3, $3))" 2>/dev/null; then
    echo "$4 needs Python 3.$3 or newer with venv (on Debian: apt-get install python3-venv)." >&2
    exit 69
  fi
  echo "creating a Python environment for $1 in $VENV" >&2
  rm -rf "$VENV"
  python3 -m venv "$VENV"
  install >&2
  touch "$VENV/complete"
}

pip() { "$VENV/bin/pip" install --quiet --disable-pip-version-check "$@"; }
