#!/bin/sh
# The installed package is complete: programs build against it with pkg-config and with find_package, shared and static, and run.
#
# usage: check_install.sh BUILD_FOLDER SOURCE_FOLDER CC CXX
set -eu
build=$1 source=$2 cc=$3 cxx=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/usr" >"$work/install.log" 2>&1 || { cat "$work/install.log"; exit 1; }
# The prefix is not the configured one: evreplay.pc must find it.
pc=$(find "$work/usr" -name evreplay.pc)
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
pkg() { pkg-config "$@" evreplay; }

[ "$(realpath "$(pkg --variable=includedir)")" = "$(realpath "$work/usr/include")" ] || {
    echo "evreplay.pc names $(pkg --variable=includedir), the package is in $work/usr"; exit 1; }

say() { printf '%-32s ' "$1"; shift; "$@"; }

$cc -std=c11 "$source/tests/abi/consumer/main.c" $(pkg --cflags --libs) -o "$work/by_pkg_config"
say "pkg-config, shared:" env LD_LIBRARY_PATH="$lib" "$work/by_pkg_config"

if [ -f "$lib/libevreplay.a" ]; then
    $cc -std=c11 -DEVR_STATIC -c "$source/tests/abi/consumer/main.c" $(pkg --cflags) -o "$work/main.o"
    # The archive by its path, what it needs from Libs.private.
    $cxx "$work/main.o" "$lib/libevreplay.a" $(pkg --static --libs | tr ' ' '\n' | grep -v '^-levreplay$' | tr '\n' ' ') \
        -o "$work/by_pkg_config_static"
    say "pkg-config, static:" "$work/by_pkg_config_static"
fi

cmake -S "$source/tests/abi/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$work/usr" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_CXX_COMPILER="$cxx" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/consumer" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
for program in consumer consumer_static; do
    if [ -x "$work/consumer/$program" ]; then
        say "find_package, $program:" "$work/consumer/$program"
    fi
done

for shared in man/man1/evreplay.1 bash-completion/completions/evreplay zsh/site-functions/_evreplay fish/vendor_completions.d/evreplay.fish; do
    [ -s "$work/usr/share/$shared" ] || { echo "share/$shared was not installed"; exit 1; }
done
say "command:" "$work/usr/bin/evreplay" --version
[ -f "$lib/libevreplay.a" ] && [ ! -x "$work/consumer/consumer_static" ] && { echo "the CMake package lacks evreplay::evreplay_static"; exit 1; }
exit 0
