#!/usr/bin/env bash
# Runs in a container, from stdin: names what is installed there, one word a line. It changes nothing.
set -euo pipefail

# has WORD PATH...: the word, once, if one of the paths is there. Where both have a "*", the word once for each that is.
has() {
  local word=$1 path found star
  shift
  for path in "$@"; do
    for found in $(compgen -G "$path" || true); do
      star=${found#"${path%%\**}"}
      echo "${word/\*/"${star%"${path##*\*}"}"}"
      [[ $word == *"*"* ]] || return 0
    done
  done
}

# What is looked for follows: a line each (commands/site/discover.ts).
