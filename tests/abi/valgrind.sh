#!/bin/sh
# Runs the test programs of a build folder under valgrind: no leak, no invalid access, no use of what was never set.
#
# usage: valgrind.sh BUILD_FOLDER [NAME...]      NAME: test_trace_sweep…; default: all, and dlclose_loop
#
# Exits 77 when valgrind is missing. Tests of the corpus are left out: they are long and use nothing else. A build with the
# bridge brings torch, whose reports are not ours; name the programs then.
set -u
build=$1
shift
here=$(dirname "$0")
command -v valgrind >/dev/null || { echo "skipped: valgrind is not installed"; exit 77; }
programs=$*
if [ -z "$programs" ]; then
    for path in "$build"/bin/test_*; do
        case $path in *test_corpus_*|*test_bridge_*|*test_replay_*|*test_gpu_*) continue ;; esac
        programs="$programs ${path##*/}"
    done
    programs="$programs dlclose_loop"
fi
failed=0
run() {
    name=$1
    shift
    if output=$(valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
                         --suppressions="$here/valgrind.supp" "$@" 2>&1); then
        echo "$name: clean"
    elif [ $? -eq 77 ]; then
        echo "$name: skipped"
    else
        failed=$((failed + 1))
        echo "$name: FAILED"
        echo "$output" | tail -n 60
    fi
}
for program in $programs; do
    if [ "$program" = dlclose_loop ]; then
        run "$program" "$build/bin/$program" "$build/lib/libevreplay.so" 5
    else
        run "$program" "$build/bin/$program"
    fi
done
[ "$failed" -eq 0 ] || { echo "$failed programs failed"; exit 1; }
