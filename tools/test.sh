#!/bin/sh
# Runs test programs (cmocka, TAP output) and TAP scripts under prove, which counts them.
set -eu
export LEUKO="$PWD/$BUILD/leuko" CMOCKA_MESSAGE_OUTPUT=TAP ROOT="$PWD" BUILD
case "$BUILD" in /*) LEUKO="$BUILD/leuko" ;; esac
# A cache of its own: tests neither use nor leave anything in the user's.
XDG_CACHE_HOME=$(mktemp -d)
export XDG_CACHE_HOME
exec_one=$(mktemp)
SKIPPED=$(mktemp -d)
export SKIPPED
trap 'rm -rf "$XDG_CACHE_HOME" "$exec_one" "$SKIPPED"' EXIT
# cmocka says "not ok 3 # SKIP name" of a test that was skipped; in TAP that is "ok 3 # SKIP name".
# What was skipped is kept, since prove does not show it.
cat >"$exec_one" <<'END'
#!/bin/bash
set -o pipefail
case "$1" in *.t) run=(bash "$1") ;; *) run=("$1") ;; esac
"${run[@]}" | sed -u -e 's/^not ok \([0-9]* # SKIP\)/ok \1/' -e "/# SKIP/w $SKIPPED/${1##*/}"
END
chmod +x "$exec_one"
code=0
prove --timer -e "$exec_one" "$@" || code=$?
for file in "$SKIPPED"/*; do
  [ -s "$file" ] && sed "s|^ok [0-9]* *|skipped: ${file##*/}: |" "$file"
done
exit $code
