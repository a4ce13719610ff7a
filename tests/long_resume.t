#!/bin/bash
# A training killed with SIGKILL at random moments and resumed each time ends with the bits of one
# that nothing disturbed.
. "$ROOT/tests/tap.sh"

kills=10
options=(--size 48 --widths 16,16 --dense 32 --batch 8 --threads 2 --epochs 60 --augment
  --dropout 0.2)

run data synth cells --cells 128 --seed 5
started=$(date +%s%N)
plain train cells --out whole "${options[@]}"
took=$((($(date +%s%N) - started) / 1000000))
ok 'the undisturbed run ends with 0' code_is 0

# Moments are drawn by seed, as shares of twice the time left a kill: some fall into the start, some
# into an epoch, some between files.
RANDOM=8
killed=0
for ((k = 0; k < kills; k++)); do
  PATH=/nonexistent "$LEUKO" train cells --out killed "${options[@]}" --resume >out 2>err \
    </dev/null &
  trained=$!
  wait_ms=$((took * 2 * RANDOM / 32768 / kills + 50))
  sleep "$((wait_ms / 1000)).$(printf %03d $((wait_ms % 1000)))"
  kill -KILL "$trained" 2>/dev/null
  wait "$trained" 2>/dev/null
  code=$?
  [ "$code" = 137 ] && killed=$((killed + 1))
  done_epochs=$(($(wc -l 2>/dev/null <killed/history.csv || echo 1) - 1))
  echo "# kill $((k + 1)) after $wait_ms ms: exit code $code, $done_epochs epochs in the history"
  for file in killed/best.safetensors killed/last.safetensors; do
    [ -e $file ] || continue
    run info $file
    [ "$code" = 0 ] || echo "# $file: exit code $code"
    ok "${file#killed/} is whole after kill $((k + 1))" code_is 0
  done
done
ok 'most kills met a running training' test "$killed" -ge $((kills / 2))
plain train cells --out killed "${options[@]}" --resume
ok 'the last call ends with 0' code_is 0
for file in best.safetensors last.safetensors split.csv; do
  ok "$file is that of the undisturbed run" \
    test "$(hash_of killed/$file)" = "$(hash_of whole/$file)"
done
ok 'the history has every epoch' lines_are killed/history.csv 61
ok 'with the same scores' \
  same_file <(cut -d, -f1-6 whole/history.csv) <(cut -d, -f1-6 killed/history.csv)
ok 'nothing half-written stays' nothing_half_written killed
finish
