#!/bin/bash
# `leuko compare`: runs against each other, and what it refuses.
. "$ROOT/tests/tap.sh"

small=(--size 32 --widths 8,8 --dense 16 --batch 16 --threads 1 --epochs 2)
run data synth cells --cells 64 --seed 3
run data split cells --by subject -o split.csv
plain train cells --out a "${small[@]}" --split split.csv
ok 'a run is trained' code_is 0
plain train cells --out b "${small[@]}" --split split.csv --seed 2
ok 'and another' code_is 0
run evaluate a cells --json --split split.csv
tested=$(value n)
auc=$(value auc)

run compare a b --json
ok 'they are compared' code_is 0
ok 'on the cells that both answered' json n "$tested"
ok 'with the scores that they have alone' test "$(printf %.9f "$(value runs.0.scores.auc.value)")" = \
  "$(printf %.9f "$auc")"
ok 'of each two there is a pair' test "$(value pairs)" = 1
ok 'with an interval of each difference' test "$(value pairs.0.differences.auc.by_subject)" = 2
ok "and DeLong's test" test "$(value pairs.0.delong)" = p,z
cp out first
run compare a b --json
ok 'the same again gives the same' same_file out first
run compare a b
ok 'as text, too' out_has '95 % intervals by person'

run evaluate b cells --split split.csv --out b2
run compare a b b2 --json
ok 'what evaluate --out wrote is compared as well' test "$(value pairs)" = 3
ok 'and is the same as the run' json pairs.2.delong.p 1

run compare a
ok 'one run is a wrong call' code_is 2
run compare a nowhere
ok 'a missing run is named' err_has nowhere
ok 'with exit code 3' code_is 3
run compare a cells
ok 'a folder that is none is refused' code_is 3
finish
