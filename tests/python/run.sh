#!/bin/sh
# Runs the tests of the package with the given python, or says what it lacks.
"$2" -c "import $1" 2>/dev/null || { echo "skipped: $2 has no $1"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
  pytest)
    # what starts many processes is a test of its own, named behind the python
    shift
    python=$1
    shift
    [ $# -gt 0 ] || set -- "$here" --ignore "$here/test_ranks.py" --ignore "$here/test_fleet.py" --ignore "$here/test_wheel.py"
    cd "$here" && exec "$python" -m pytest -q -p no:cacheprovider "$@" ;;
  mypy) cd "$here/../.." && exec "$2" -m mypy --strict --no-incremental --cache-dir=/dev/null bindings/python/evreplay ;;
esac
