#!/bin/sh
# Times the costliest operators of a trace, and compares with the run that was kept as the base.
# usage: nightly.sh TRACE FOLDER     exit code: 0 nothing got slower, 3 something did, else what evreplay says
set -eu
trace=$1
folder=$2
mkdir -p "$folder"

# Records that fail are in the report (exit code 1) and do not end the night.
evreplay bench "$trace" --isolate --visits "${VISITS:-8}" --by-cost --top "${TOP:-50}" --budget "${BUDGET:-600}" --timeout 60 --launch single --samples \
  --json "$folder/today.json" --html "$folder/today.html" --junit "$folder/today.xml" || [ $? = 1 ]

if [ ! -f "$folder/base.json" ]; then
  cp "$folder/today.json" "$folder/base.json"
  echo "kept as the base: the next night is compared with it"
  exit 0
fi
evreplay compare "$folder/base.json" "$folder/today.json" \
  --markdown "$folder/comment.md" --html "$folder/compare.html" --junit "$folder/compare.xml"
