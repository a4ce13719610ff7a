#!/bin/sh
# Static checks of the C sources given as arguments (the whole library and program), and of the
# format of everything. Every check runs; exit code 1 if any of them found something.
#
#   sh tools/lint.sh FILE ...
# shellcheck disable=SC2046,SC2317
set -u
cd "$(dirname "$0")/.." || exit 1
[ $# -gt 0 ] || { echo "usage: sh tools/lint.sh FILE ..." >&2; exit 2; }
# clang's header has half precision only then.
flags='-std=c17 -D_GNU_SOURCE -Iinclude -Isrc -fopenmp -mavx512fp16'
warnings='-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror'
jobs=$(nproc)
found=0

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# check NAME COMMAND ...: runs it and prints what it says only if it finds something.
check() {
  name=$1
  shift
  if "$@" >"$log" 2>&1; then
    echo "lint: $name: nothing found"
  else
    cat "$log"
    echo "lint: $name: see above" >&2
    found=1
  fi
}

format() {
  git ls-files -z '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
}
# Every file by itself, some at once.
each() {
  tool=$1
  shift
  [ $# -gt 0 ] || return 0
  # shellcheck disable=SC2086
  printf '%s\0' "$@" | xargs -0 -P "$jobs" -n 8 sh -c "$tool" sh
}
compile() {
  each "for file in \"\$@\"; do clang $flags ${level-} $warnings -fsyntax-only \"\$file\" || bad=1; done
        exit \${bad:-0}" "$@"
}
tidy() {
  # Findings go to stdout; stderr holds counts of what is suppressed in system headers.
  each "clang-tidy --quiet \"\$@\" -- $flags 2>/dev/null" "$@"
}
analyse() {
  cppcheck -j "$jobs" --quiet --error-exitcode=1 --enable=warning,performance,portability \
    --std=c11 --suppressions-list=tools/cppcheck.txt --suppress=missingIncludeSystem \
    --inline-suppr -D__GNUC__=12 -D_GNU_SOURCE -Iinclude -Isrc "$@"
}

check "clang-format" format
check "direction of includes" sh tools/include_direction.sh
check "clang's warnings" compile "$@" $(git ls-files 'tests/*.c' 'examples/*.c' 'bench/*.c')
# Sources with vectors, as they are compiled for the other levels; above, they were AVX-512's.
for level in -DVECTOR_AVX2 -DVECTOR_GENERIC; do
  # shellcheck disable=SC2086
  check "clang's warnings with $level" compile ${KERNELS-}
done
check "clang-tidy" tidy "$@"
check "cppcheck" analyse "$@"
exit $found
