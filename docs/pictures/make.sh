#!/usr/bin/env bash
# The pictures of README.md, from a run of examples/demo.sh: terminal.svg and report.png. Needs chromium.
# usage: make.sh EVREPLAY PYTHON
set -euo pipefail
here=$(dirname "$(realpath "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$here/../../examples/demo.sh" "$1" "$2" "$folder" >"$folder/log"

# The part of the log from `evreplay list` to the summary of `evreplay bench`, without the colours of the terminal, which terminal.py puts in.
sed 's/\x1b\[[0-9;]*m//g' "$folder/log" |
  awk '/^\$ evreplay /{on = /^\$ evreplay (list|extract|bench) /; summary = 0} /^--- Replay Summary/{summary = 1} on && !summary' |
  cat -s | sed '$!b;/^$/d' | "$2" "$here/terminal.py" 138 >"$here/terminal.svg"

chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 --window-size=1160,960 \
  --user-data-dir="$folder/chromium" --screenshot="$here/report.png" "file://$folder/report.html" 2>/dev/null
