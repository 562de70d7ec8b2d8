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
run events "$trace" --cat cpu_op --name 'aten::addmm' | head -8
