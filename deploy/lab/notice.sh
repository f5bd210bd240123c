#!/usr/bin/env bash
# Waits for the first notice and prints it; fails after SECONDS_LEFT.
set -euo pipefail
file=${1:-/var/lib/an1496/notices.jsonl}
for ((left = ${SECONDS_LEFT:-180}; left > 0; left--)); do
  if [[ -s $file ]]; then
    head -n 1 "$file"
    exit 0
  fi
  sleep 1
done
echo "no notice in $file" >&2
exit 1
