#!/bin/sh
# Runs a script with the given python, or says that there is none.
command -v "$1" >/dev/null || { echo "skipped: no python '$1'"; exit 77; }
PYTHONDONTWRITEBYTECODE=1 exec "$@"
