#!/bin/bash
# Half the bytes of a model file.
. "$ROOT/tests/tap.sh"

run data synth cells --cells 48 --seed 3
plain train cells --size 32 --widths 16,32 --dense 64 --threads 1 --epochs 1 --out run
ok 'there is a model to shrink' test -f run/best.safetensors
before=$(hash_of run/best.safetensors)
run shrink run -o small.safetensors
ok 'it is shrunk' code_is 0
ok 'and told how far it moved' out_has 'moved by'
ok 'to little more than half' test "$(stat -c %s small.safetensors)" -lt \
  $((6 * $(stat -c %s run/best.safetensors) / 10))
ok 'the model it came from is as it was' test "$(hash_of run/best.safetensors)" = "$before"
run info small.safetensors
ok 'its self-check passes' code_is 0
run predict run cells --no-reject --csv
cut -d, -f3 out >wide
run predict small.safetensors cells --no-reject --csv
cut -d, -f3 out >narrow
ok 'answers hardly move' perl -e '
  open my $a, "<", "wide"; open my $b, "<", "narrow"; <$a>; <$b>; my $n = 0;
  while (my $x = <$a>) { my $y = <$b>; $n++; exit 1 if abs($x - $y) > 2e-3 } exit !($n == 48)'
run shrink small.safetensors -o small.safetensors --json
ok 'once more in place, as JSON' json check_logit_moved 0
run shrink run
ok 'without -o it is a wrong call' code_is 2
run shrink nowhere -o other.safetensors
ok 'a model that is not there is refused' code_is 3
ok 'and nothing is written' missing other.safetensors
finish
