#!/usr/bin/env bash
# Makes TEXT the pull request's one comment of its kind. Its first line, a comment in HTML, tells which that is: an
# earlier one of this robot's with the same first line is changed, else one is made.
set -euo pipefail
MARKER=${TEXT%%$'\n'*}
export MARKER
case $MARKER in
  '<!-- dhis2-siem '*' -->') ;;
  *)
    echo "the comment's text does not begin with its mark" >&2
    exit 1
    ;;
esac
comments=repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments
# shellcheck disable=SC2016
ids=$(gh api --paginate "$comments" --jq \
  '.[] | select(.user.login == "github-actions[bot]" and (.body | split("\n")[0] | rtrimstr("\r")) == env.MARKER) | .id')
id=${ids%%$'\n'*}
if [ -n "$id" ]; then
  request=(PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id")
else
  request=(POST "$comments")
fi
printf '%s\n' "$TEXT" | gh api --silent --method "${request[@]}" --field body=@-
