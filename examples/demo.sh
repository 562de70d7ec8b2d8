#!/usr/bin/env bash
# The demo: records a small model and shows what the command makes of the trace.
# usage: demo.sh EVREPLAY PYTHON FOLDER
set -euo pipefail
evreplay=$1 python=$2 folder=$3
mkdir -p "$folder"
trace=$folder/model.json.gz

run() {
  printf '\n\033[1m$ evreplay %s\033[0m\n' "$*"
  "$evreplay" "$@"
}

echo "recording a small model with torch.profiler on the CPU → $trace"
"$python" "$(dirname "$0")/record_demo.py" "$trace" 2>/dev/null
run info "$trace"
run list "$trace" --sort cpu-time --top 10
run extract "$trace" --sort cpu-time --top 1 -o "$folder/slowest.json"
run replay "$folder/slowest.json" -v --check all
run bench "$folder/slowest.json" -v
# some calls wait for their values to be recorded by a newer profiler: that is what exit code 1 says
run replay "$trace" --isolate --check finite --json "$folder/results.json" --junit "$folder/results.xml" --html "$folder/results.html" || [ $? = 1 ]
echo
echo "results: $folder/results.json, $folder/results.xml, $folder/results.html"
