#!/bin/bash
# What `make install` lays down: a header, a library and a pkg-config file that work, nothing more.
. "$ROOT/tests/tap.sh"

dest=$work/dest
checks=(-Wall -Wextra -Wshadow -Wconversion -pedantic -Werror)
[ -n "${SANITIZE:-}" ] && sanitize=(-fsanitize=address,undefined) || sanitize=()
make_it() { env -u MAKEFLAGS -u MFLAGS make -C "$ROOT" BUILD="$BUILD" DESTDIR="$dest" \
  PREFIX=/usr/local MODEL="$work/run/best.safetensors" "$@" >out 2>err; }

make_it install
code=$?
ok 'make install ends with 0' code_is 0
[ "$code" = 0 ] || { echo 'Bail out! Nothing is installed.' && exit 1; }
ok 'the program is there' test -x "$dest/usr/local/bin/leuko"
ok 'and runs' test "$("$dest/usr/local/bin/leuko" --version)" = "$("$LEUKO" --version)"
ok 'the header is' same_file "$ROOT/include/leuko.h" "$dest/usr/local/include/leuko.h"
(cd "$dest/usr/local" && find . ! -type d | sort) >listed
printf '%s\n' ./bin/leuko ./include/leuko.h ./lib/libleuko.a ./lib/libleuko.so \
  ./lib/libleuko.so.0 ./lib/pkgconfig/leuko.pc >expected
ok 'and nothing but what is known' same_file listed expected

# Only the interface is exported

sed -n 's/^LEUKO_API [^(]*[ *]\(leuko_[a-z_]*\)(.*/\1/p' "$ROOT/include/leuko.h" | sort >declared
ok 'the header declares functions' test "$(wc -l <declared)" -gt 8
nm -D --defined-only "$dest/usr/local/lib/libleuko.so.0" | awk '{ print $3 }' | sort >exported
ok 'the shared library exports what the header declares' same_file declared exported
nm -g --defined-only "$dest/usr/local/lib/libleuko.a" | awk 'NF == 3 { print $3 }' |
  grep -v -e '^DW\.ref\.' -e '^__odr_asan' | sort >exported
ok 'the static library, too' same_file declared exported

# The program in the header

sed -n '/^ \*     #include <leuko.h>/,/^ \*     }/s/^ \* \{0,5\}//p' "$ROOT/include/leuko.h" >shown.c
ok 'the header opens with examples/classify.c' same_file "$ROOT/examples/classify.c" shown.c
ok 'the header stands alone' gcc -std=c17 "${checks[@]}" -fsyntax-only -x c "$ROOT/include/leuko.h"
if command -v g++ >/dev/null; then
  echo '#include <leuko.h>
int main() { return leuko_status_exit_code(LEUKO_OK) + !leuko_version(); }' >plus.cc
  ok 'and is C++, too' g++ "${checks[@]}" -I"$dest/usr/local/include" -fsyntax-only plus.cc
else
  skip 1 'there is no g++'
fi

# Built through pkg-config

export PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH=$dest/usr/local/lib/pkgconfig
ok 'pkg-config knows the version' \
  test "leuko $(pkg-config --modversion leuko)" = "$("$LEUKO" --version)"
classify() { # NAME LINKER-ARGUMENTS...
  local name=$1
  shift
  gcc -std=c17 "${checks[@]}" "${sanitize[@]}" $(pkg-config --cflags leuko) \
    "$ROOT/examples/classify.c" "$@" -o "$name" 2>err
}
ok 'classify is built with the shared library' classify shared $(pkg-config --libs leuko)
ok 'and with the static one' \
  classify static $(pkg-config --static --libs leuko | sed 's/-lleuko/-l:libleuko.a/')
ok 'which then needs no other' \
  test -z "$(ldd static | grep libleuko)" -a -n "$(ldd shared | grep libleuko.so.0)"

run data synth cells --cells 48
PATH=/nonexistent run train cells --out run --size 32 --widths 8,8 --dense 16 --epochs 1 --threads 1
cell=$(find cells -name '*.png' | sort | head -1)
run predict run "$cell" --csv
answer=$(sed -n 2p out | awk -F, '{ printf "%s: p(all) = %.4f, answered %s", $1, $3, $4 }')
export LD_LIBRARY_PATH=$dest/usr/local/lib
for kind in shared static; do
  ./$kind run/best.safetensors "$cell" >out 2>err
  code=$?
  ok "the $kind one answers" code_is 0
  ok 'as the program does' test "$(cat out)" = "$answer"
  ./$kind run/best.safetensors run/history.csv >out 2>err
  code=$?
  ok 'it refuses what is no image' code_is 3
  ok 'by name' err_has 'history.csv: NOT_AN_IMAGE'
done
unset LD_LIBRARY_PATH

make_it install
ok 'a model in the box is installed, too' test -s "$dest/usr/local/share/leuko/leuko.safetensors"
"$dest/usr/local/bin/leuko" predict "$cell" --csv >out 2>err
ok 'and answers where none is named' \
  test "$(sed -n 2p out | awk -F, '{ printf "%s: p(all) = %.4f, answered %s", $1, $3, $4 }')" = \
  "$answer"
make_it uninstall
ok 'make uninstall leaves nothing' test -z "$(find "$dest" ! -type d)"
finish
