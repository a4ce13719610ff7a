#!/bin/bash
# `leuko train`: the run folder, its refusals, stopping and going on.
. "$ROOT/tests/tap.sh"

# One thread: the networks are so small that several would only wait for each other.
small=(--size 32 --widths 8,8 --dense 16 --batch 16 --threads 1)

run data synth cells --cells 64 --seed 3
ok 'cells are drawn' code_is 0

# A whole run

run train cells --out run "${small[@]}" --epochs 3 --json
ok 'a run ends with 0' code_is 0
ok 'its result is JSON' json training.epochs 3
ok 'with the scores of the tested cells' \
  test "$(value '' | tr , '\n' | grep -c -x -e loss -e accuracy -e balanced_accuracy -e sensitivity \
    -e specificity -e weighted_f1 -e auc -e n -e confusion)" = 9
ok 'no subject is on both sides' json training.subjects_on_both_sides 0
accuracy=$(value accuracy)
tested=$(value n)
for file in run.json split.csv history.csv best.safetensors last.safetensors predictions.csv \
  metrics.json; do
  ok "$file is there" test -s "run/$file"
done
if command -v gnuplot >/dev/null; then
  for figure in accuracy loss loss_accuracy roc confusion; do
    ok "figure $figure is drawn" test -s "run/figures/$figure.svg" -a -s "run/figures/$figure.png"
  done
else
  skip 5 'gnuplot is not installed'
fi
ok 'nothing half-written is' nothing_half_written run
ok 'the history has a line an epoch' lines_are run/history.csv 4
ok 'the split is a split CSV' test "$(head -1 run/split.csv)" = path,sha256,subject,label,part
ok 'each tested cell is predicted' lines_are run/predictions.csv $((tested + 1))
cp run/metrics.json out
ok 'metrics.json says the same' json accuracy "$accuracy"
cp run/run.json out
ok 'run.json names the options' json options.network.size 32
ok 'and the implementations' test "$(value machine.implementations)" -gt 4
run evaluate run cells --split run/split.csv --json
ok 'evaluate finds the same accuracy' json accuracy "$accuracy"
ok 'and knows the cells on which the threshold was chosen' json calibration.fitted_on_these_cells 1
temperature=$(value calibration.temperature)
run info run --json
ok 'the model holds its temperature' json temperature "$temperature"
ok 'and how its threshold was chosen' json operating_point.chosen youden
run predict run cells/training_data --json
ok 'answers have a raw probability beside the calibrated one' test "$(value 0.p_raw)" != null
plain train cells --out found "${small[@]}" --epochs 3 --operating-point 1 --json
ok 'a wanted sensitivity is reached' json sensitivity 1
plain train cells --out half "${small[@]}" --epochs 3 --operating-point none --json
ok 'or the threshold stays at one half' json threshold 0.5
ok 'with no temperature' json calibration.temperature 1
ok 'and the same AUC' test "$(printf %.9f "$(value auc)")" = "$(PATH=$PATH perl -MJSON::PP -e '
  local $/; open my $f, "<", "found/metrics.json"; printf "%.9f", JSON::PP->new->decode(<$f>)->{auc}')"
run train cells --out bad "${small[@]}" --operating-point much
ok 'another operating point is a wrong call' code_is 2

# The same again, and otherwise

best=$(hash_of run/best.safetensors)
last=$(hash_of run/last.safetensors)
run train cells --out run "${small[@]}" --epochs 3
ok 'a folder that holds a run is a wrong call' code_is 2
ok 'and --resume is named' err_has '--resume'
ok 'the run is as it was' test "$(hash_of run/last.safetensors)" = "$last"
plain train cells --out again "${small[@]}" --epochs 3
ok 'without gnuplot a run ends with 0, too' code_is 0
ok 'and says what is missing' err_has 'gnuplot-nox'
ok 'the same seed gives the same best model' same_file run/best.safetensors again/best.safetensors
ok 'and the same last one' same_file run/last.safetensors again/last.safetensors
plain train cells --out other "${small[@]}" --epochs 3 --seed 2
ok 'another seed gives another model' differ run/last.safetensors other/last.safetensors
run train cells --out run "${small[@]}" --epochs 3 --resume --lr 0.01
ok 'going on with another option is refused' code_is 3
ok 'as a mismatch' err_has MISMATCH
ok 'that names the option' err_has "'lr'"
ok 'the run is as it was' test "$(hash_of run/last.safetensors)" = "$last"
run train cells --out run "${small[@]}" --epochs 3 --resume --by fold
ok 'so is another split' err_has MISMATCH
plain train cells --out run "${small[@]}" --epochs 3 --resume
ok 'going on with a finished run ends with 0' code_is 0
ok 'and changes nothing' test "$(hash_of run/best.safetensors)" = "$best"
plain train cells --out again "${small[@]}" --epochs 6 --resume
ok 'a run can be made longer' lines_are again/history.csv 7
plain train cells --out longer "${small[@]}" --epochs 6
ok 'with the bits of one that was longer from the start' \
  same_file again/last.safetensors longer/last.safetensors

# In bfloat16

wide=(--size 32 --widths 32,64,32 --dense 16 --batch 16 --threads 1 --epochs 4)
run bench --train --precision bf16 --batch 2 --seconds 0.1 --json
if json precision bf16; then
  plain train cells --out wide "${wide[@]}" --json
  ok 'a network of wide layers is trained' code_is 0
  wide_loss=$(value training.last_loss)
  plain train cells --out bf16 "${wide[@]}" --precision bf16 --json
  ok 'in bfloat16, too' code_is 0
  ok 'with nearly the same loss' perl -e 'exit !(abs($ARGV[0] - $ARGV[1]) < 0.05)' \
    "$(value training.last_loss)" "$wide_loss"
  cp bf16/run.json out
  ok 'run.json names the precision' json options.precision bf16
  plain train cells --out bf16b "${wide[@]}" --precision bf16
  ok 'the same seed gives the same bits' same_file bf16/last.safetensors bf16b/last.safetensors
  ok 'which are not those of float32' differ bf16/last.safetensors wide/last.safetensors
  plain train cells --out bf16c "${wide[@]}" --precision bf16 --epochs 2
  run train cells --out bf16c "${wide[@]}" --resume
  ok 'going on in another precision is refused' err_has "'precision'"
  plain train cells --out bf16c "${wide[@]}" --precision bf16 --resume
  ok 'a run that goes on ends with the same bits' \
    same_file bf16/last.safetensors bf16c/last.safetensors
else
  skip 8 'this processor has no AVX512-BF16'
fi
export LEUKO_CPU=avx512
run train cells --out none "${wide[@]}" --precision bf16
unset LEUKO_CPU
ok 'where the processor has no bfloat16 it is refused' code_is 2
ok 'and --precision f32 is named' err_has '--precision f32'
run train cells --out none "${wide[@]}" --precision bf16 --backend ref
ok 'as it is for the reference' err_has "'ref' does not train in bf16"
ok 'before anything is made' missing none

# Wrong calls

for wrong in '--batch 0' '--batch many' '--epochs 0' '--lr -1' '--size 4' '--widths 8,,8' \
  '--widths 8,8,' '--by patient' '--ratio 1:0' '--backend abacus' '--model vgg99' '--colour' \
  'more' '--dropout 1' '--jitter 0.6' '--precision int7' '--stain vahadane'; do
  run train cells --out wrong $wrong
  ok "$wrong is a wrong call" code_is 2
done
run train cells
ok 'so is a run without --out' code_is 2
run train --out wrong
ok 'and one without cells' code_is 2
ok 'nothing comes of them' missing wrong
run train cells --out wrong --size 8
ok 'a network that does not fit is a wrong call' code_is 2
ok 'that names the layer' err_has pool
run train nowhere --out wrong
ok 'a missing folder is refused' code_is 3
ok 'by name' err_has 'nowhere.*NOT_FOUND'
run train cells --out wrong --split nowhere.csv
ok 'so is a missing split' err_has 'nowhere.csv.*NOT_FOUND'

# Leaks

run train cells --out leak "${small[@]}" --epochs 1 --by image
ok 'a split by image is refused' code_is 3
ok 'as a leak' err_has LEAK
ok 'and --allow-leak is named' err_has '--allow-leak'
ok 'before anything is made' missing leak
plain train cells --out leak "${small[@]}" --epochs 1 --by image --allow-leak
ok 'unless it is allowed' code_is 0
ok 'and then said' err_has 'THIS SPLIT LEAKS'
run data split cells --by image -o image.csv
run train cells --out leak2 "${small[@]}" --epochs 1 --split image.csv
ok 'a split CSV that leaks is refused, too' err_has LEAK
run data split cells --by subject -o subject.csv
plain train cells --out csv "${small[@]}" --epochs 3 --split subject.csv
ok 'a split CSV gives the bits of the same split' \
  same_file run/best.safetensors csv/best.safetensors
sed '2s/,[0-9a-f]\{64\},/,'"$(printf '%064d' 1)"',/' subject.csv >altered.csv
run train cells --out altered "${small[@]}" --epochs 1 --split altered.csv
ok 'a split of other files is refused' code_is 3

# Other ways to train

plain train cells --out limit "${small[@]}" --epochs 1 --limit 24
ok '--limit takes fewer cells' test "$(($(wc -l <limit/split.csv) - 1))" -le 26
plain train cells --out much "${small[@]}" --epochs 30 --augment --dropout 0.3 --class-weights \
  --patience 1 --crop 300 --lr 0.02
ok 'augmentation, dropout, weights, patience, crop' code_is 0
epochs=$(($(wc -l <much/history.csv) - 1))
ok 'patience ends a run early' test "$epochs" -lt 30
run info much --json
ok 'the model remembers its crop' json crop 300
plain train cells --out much "${small[@]}" --epochs 30 --augment --dropout 0.3 --class-weights \
  --patience 1 --crop 300 --lr 0.02 --resume
ok 'it stays ended' lines_are much/history.csv $((epochs + 1))
smooth=("${small[@]}" --pooling average --schedule cosine --average --warmup 4)
plain train cells --out smooth "${smooth[@]}" --epochs 3
ok 'average pooling, a falling rate and averaged weights' code_is 0
cp smooth/run.json out
ok 'are named in run.json' json options.network.pooling average
ok 'with the epochs that the rate falls in' json options.cosine_epochs 3
ok 'and the decay' json options.average 0.998
ok 'the kept model is not the last step' differ smooth/best.safetensors smooth/last.safetensors
run predict smooth cells/training_data --json
ok 'the kept model answers' code_is 0
plain train cells --out smooth "${smooth[@]}" --epochs 4 --resume
ok 'a falling rate cannot be made longer' err_has "'cosine_epochs'"
plain train cells --out jitter "${small[@]}" --epochs 3 --jitter 0.1
ok 'stain and light are changed at random' differ run/last.safetensors jitter/last.safetensors
cp jitter/run.json out
ok 'and run.json says how much' json options.jitter 0.1
plain train cells --out jitter2 "${small[@]}" --epochs 2 --jitter 0.1
plain train cells --out jitter2 "${small[@]}" --epochs 3 --jitter 0.1 --resume
ok 'a run with jitter is resumed to the same bits' \
  same_file jitter/last.safetensors jitter2/last.safetensors
plain train cells --out jitter2 "${small[@]}" --epochs 3 --resume
ok 'but not without' err_has "'jitter'"
plain train cells --out stain "${small[@]}" --epochs 3 --stain reinhard --json
ok 'cells are brought to one stain' code_is 0
accuracy=$(value accuracy)
ok 'which makes another model' differ run/best.safetensors stain/best.safetensors
run info stain --json
ok 'that remembers it' json stain reinhard
plain evaluate stain cells --split stain/split.csv --json
ok 'and answers as at the end of the training' json accuracy "$accuracy"
plain train cells --out stain "${small[@]}" --epochs 4 --stain reinhard --resume
ok 'it is resumed' code_is 0
plain train cells --out stain "${small[@]}" --epochs 4 --resume
ok 'but not without the stain' err_has "'stain'"
plain train cells --out ref "${small[@]}" --epochs 1 --backend ref --limit 24 --threads 2
ok 'backend ref trains' code_is 0
plain train cells --out threads "${small[@]}" --epochs 3 --threads 2
plain train cells --out threads2 "${small[@]}" --epochs 3 --threads 2
ok 'two threads give the same bits every time' \
  same_file threads/last.safetensors threads2/last.safetensors

number_of=0
mkdir -p three/a three/b three/c
echo path,subject >subjects.csv
for file in $(find cells -name '*.png' | sort); do
  class=$(printf 'abc' | cut -c$((number_of % 3 + 1)))
  cp "$file" "three/$class/$number_of.png"
  echo "$class/$number_of.png,S$((number_of / 3 % 12))" >>subjects.csv
  number_of=$((number_of + 1))
done
plain train three --out three-run "${small[@]}" --epochs 2 --subjects subjects.csv --json
ok 'three classes are trained' code_is 0
ok 'and known by name' json classes 3
plain train three --out unknown "${small[@]}" --epochs 2
ok 'cells of unknown subjects are refused' code_is 3
printf 'garbage' >three/a/0.png
plain train three --out three-run2 "${small[@]}" --epochs 1 --subjects subjects.csv
ok 'a bad file is left out: exit code 4' code_is 4
ok 'and counted' err_has '1 file'

# Stopping

many=("${small[@]}" --epochs 60 --average --schedule cosine)
plain train cells --out whole "${many[@]}"
ok 'an undisturbed run ends' code_is 0
stop_with() { # SIGNAL FOLDER
  PATH=/nonexistent "$LEUKO" train cells --out "$2" "${many[@]}" --resume >out 2>err </dev/null &
  local trained=$!
  for ((i = 0; i < 3000; i++)); do
    [ -s "$2/history.csv" ] && [ "$(wc -l <"$2/history.csv")" -gt 3 ] && break
    sleep 0.01
  done
  kill "-$1" "$trained"
  wait "$trained"
  code=$?
}
stop_with TERM stopped
ok 'SIGTERM ends a run with 1' code_is 1
ok 'as interrupted, and says how to go on' err_has 'INTERRUPTED'
ok 'nothing half-written stays' nothing_half_written stopped
plain train cells --out stopped "${many[@]}"
ok 'it does not go on unasked' code_is 2
plain train cells --out stopped "${many[@]}" --resume
ok 'it goes on' code_is 0
ok 'to the same best model' same_file whole/best.safetensors stopped/best.safetensors
ok 'and the same last one' same_file whole/last.safetensors stopped/last.safetensors
ok 'and the same history but for the times' \
  same_file <(cut -d, -f1-6 whole/history.csv) <(cut -d, -f1-6 stopped/history.csv)

printf 'broken' >stopped/last.safetensors
plain train cells --out stopped "${many[@]}" --resume
ok 'a broken checkpoint is refused' code_is 3
ok 'by name' err_has 'last.safetensors.*BAD_MODEL'

# A full disk

mkdir disk
if mount -t tmpfs -o size=1m tmpfs disk 2>/dev/null; then
  cleanups+=("umount '$work/disk'")
  for free in 4 20 48 116; do # KiB: for the split, the best model, the last one, the next best
    rm -rf disk/*
    head -c $(((1024 - free) * 1024)) /dev/zero >disk/filler
    plain train cells --out disk/run "${small[@]}" --epochs 3
    ok "$free KiB of space end a run with 1" code_is 1
    ok 'and the full disk is named' err_has 'DISK_FULL'
    ok 'nothing half-written stays' nothing_half_written disk/run
    rm disk/filler
    plain train cells --out disk/run "${small[@]}" --epochs 3 --resume
    ok 'with space it goes on' code_is 0
    ok 'to the same model' same_file run/last.safetensors disk/run/last.safetensors
  done
else
  skip 20 'no tmpfs can be mounted here'
fi
finish
