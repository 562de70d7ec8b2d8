#!/bin/sh
# Runs the tests of the check of documents with the given python, or says what it lacks.
"$1" -c 'import pytest' 2>/dev/null || { echo "skipped: $1 has no pytest"; exit 77; }
exec "$1" -m pytest -q -p no:cacheprovider "$(dirname "$0")"
