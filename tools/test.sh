#!/bin/sh
# Runs test programs (cmocka, TAP output) and TAP scripts under prove, which counts them.
set -eu
export LEUKO="$PWD/$BUILD/leuko" CMOCKA_MESSAGE_OUTPUT=TAP ROOT="$PWD" BUILD
case "$BUILD" in /*) LEUKO="$BUILD/leuko" ;; esac
# A cache of its own: tests neither use nor leave anything in the user's.
XDG_CACHE_HOME=$(mktemp -d)
export XDG_CACHE_HOME
exec_one=$(mktemp)
trap 'rm -rf "$XDG_CACHE_HOME" "$exec_one"' EXIT
# cmocka says "not ok 3 # SKIP name" of a test that was skipped; in TAP that is "ok 3 # SKIP name".
cat >"$exec_one" <<'END'
#!/bin/bash
case "$1" in *.t) exec bash "$1" ;; esac
set -o pipefail
"$1" | sed -u 's/^not ok \([0-9]* # SKIP\)/ok \1/'
END
chmod +x "$exec_one"
prove --timer -e "$exec_one" "$@"
