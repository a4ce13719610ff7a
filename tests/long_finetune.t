#!/bin/bash
# `leuko train --fine-tune` of the last stage and of all of ResNet-50, killed with SIGKILL at random
# moments and resumed each time, ends with the bits of a run that nothing disturbed.
. "$ROOT/tests/resnet50.sh"

# Two epochs in one go; and one, then the second after kills.
RANDOM=5
for part in last all; do
  options=("${resnet50[@]}" --threads 2 --size 64 --batch 16 --limit 48 --fine-tune $part --warmup 2)
  started=$(date +%s%N)
  plain train "${options[@]}" --out whole --epochs 2
  took=$((($(date +%s%N) - started) / 1000000))
  ok "$part: two epochs" code_is 0
  plain train "${options[@]}" --out two --epochs 1
  ok "$part: one epoch" code_is 0
  killed 4 $((took / 2)) "${options[@]}" --out two --epochs 2
  ok "$part: a training is killed" test "$killed" -ge 1
  plain train "${options[@]}" --out two --epochs 2 --resume
  ok "$part: it goes on to its end" code_is 0
  ok "$part: and to the same bits" equal_runs whole two
  ok "$part: nothing half-written stays" nothing_half_written two
  rm -rf whole two
done
finish
