#!/bin/sh
# Runs test programs (cmocka, TAP output) and TAP scripts under prove, which counts them.
set -eu
export LEUKO="$PWD/$BUILD/leuko" CMOCKA_MESSAGE_OUTPUT=TAP ROOT="$PWD" BUILD
case "$BUILD" in /*) LEUKO="$BUILD/leuko" ;; esac
# A cache of its own: tests neither use nor leave anything in the user's.
XDG_CACHE_HOME=$(mktemp -d)
export XDG_CACHE_HOME
trap 'rm -rf "$XDG_CACHE_HOME"' EXIT
exec_one=$(mktemp)
trap 'rm -rf "$XDG_CACHE_HOME" "$exec_one"' EXIT
printf '#!/bin/sh\ncase "$1" in *.t) exec bash "$1" ;; *) exec "$1" ;; esac\n' >"$exec_one"
chmod +x "$exec_one"
prove --timer -e "$exec_one" "$@"
