#!/bin/bash
# Every command's --help: complete, and within 80 columns.
. "$ROOT/tests/tap.sh"

# The names that a list of commands holds.
listed() { sed -n 's/^  \([a-z]*\) .*/\1/p' out; }

run --help
ok 'the program lists its commands' out_has '^  predict '
commands=()
for command in $(listed); do
  run $command --help
  if grep -q COMMAND out; then
    for part in $(listed); do commands+=("$command $part"); done
  else commands+=("$command"); fi
done
ok 'and theirs' test ${#commands[@]} -ge 21
for command in '' data weights "${commands[@]}"; do
  run $command --help
  ok "leuko $command --help explains" out_has '^[Uu]sage: leuko'
  ok 'within 80 columns' test -z "$(LC_ALL=C.UTF-8 grep -E '^.{81}| $' out)"
  # argp puts an option whose name is too long on the right, and its text below it on the left.
  ok 'options stand on the left' test -z "$(grep -E '^ {30,}--' out)"
done
finish
