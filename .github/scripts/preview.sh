#!/usr/bin/env bash
# Previews the stack PULUMI_STACK, gives the comment's text as the step's output `text` (and as the run's summary), and
# ends as the preview did. Nothing is dialled: neither the host nor Elasticsearch.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A secret or variable that the repository does not have arrives as an empty text.
for name in PULUMI_BACKEND_URL PULUMI_ACCESS_TOKEN PULUMI_CONFIG_PASSPHRASE AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; do
  [ -n "${!name-}" ] || unset "$name"
done

status=0
PULUMI_SKIP_UPDATE_CHECK=true pulumi preview --stack "$PULUMI_STACK" --diff \
  --non-interactive --color never --suppress-permalink=true >"$work/output" 2>&1 || status=$?

npm run -s preview-comment -- "$work/output" "$status" >"$work/text"
delimiter=end-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
{
  echo "text<<$delimiter"
  cat "$work/text"
  echo "$delimiter"
} >>"$GITHUB_OUTPUT"
cat "$work/text" >>"$GITHUB_STEP_SUMMARY"
exit "$status"
