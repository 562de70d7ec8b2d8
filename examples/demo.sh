#!/usr/bin/env bash
# The demo: records a small model and shows what the command makes of the trace.
# usage: demo.sh EVREPLAY PYTHON FOLDER
set -euo pipefail
evreplay=$(realpath "$1") python=$(realpath -s "$2")
recorder=$(realpath "$(dirname "$0")/record_demo.py")
mkdir -p "$3"
cd "$3"

run() {
  local word shown=
  for word in "$@"; do
    [[ $word != *\** ]] || word="'$word'"
    shown+=" $word"
  done
  printf '\n\033[1m$ evreplay%s\033[0m\n' "$shown"
  "$evreplay" "$@"
}

echo "recording a small model with torch.profiler on the CPU → $PWD/model.json.gz"
"$python" "$recorder" model.json.gz
run info model.json.gz
run list model.json.gz --op 'aten::*' --sort cpu-time --top 6
run extract model.json.gz --op 'aten::*' --sort cpu-time --top 6 -o costliest.json
run replay costliest.json -v --check finite --check repeat --check reference
run bench costliest.json --threads 1 --samples --html report.html
# some calls wait for their values to be recorded by a newer profiler: that is what exit code 1 says
run replay model.json.gz --isolate --check finite --json results.json --junit results.xml --html results.html || [ $? = 1 ]
echo
echo "results, in $PWD: report.html (times), results.html, results.json, results.xml"
echo "next: eval \"\$(./dev env)\" lets this shell find the command; docs/guides/first-replay.md goes on from there"
