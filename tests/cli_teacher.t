#!/bin/bash
# `leuko train --teacher`: learning from trained networks beside the labels, and from nobody who has
# seen the persons tested.
. "$ROOT/tests/tap.sh"

small=(--size 32 --widths 8,8 --dense 8 --batch 16 --threads 1)
large=(--size 40 --widths 16,16 --dense 16 --batch 16 --threads 1 --crop 300)

run data synth cells --cells 96 --seed 3
ok 'cells are drawn' code_is 0

# One training

plain train cells --out large "${large[@]}" --epochs 4
ok 'a larger network is trained' code_is 0
plain train cells --out alone "${small[@]}" --epochs 4
ok 'a small one by itself' code_is 0
plain train cells --out taught "${small[@]}" --epochs 4 --teacher large --json
ok 'and one by the larger' code_is 0
ok 'the cells are answered first' err_has 'teacher'
ok 'it has learnt otherwise' differ alone/last.safetensors taught/last.safetensors
cp taught/run.json out
ok 'run.json names the teacher' json teacher.0 large
ok 'by its hash, too' json options.teacher.models.0 "$(hash_of large/best.safetensors)"
ok 'and says what the label counts' json options.teacher.label_weight 0.5
plain evaluate taught cells --split taught/split.csv --json
taught_loss=$(value calibration.raw.loss)
lowest=$(tail -n +2 taught/history.csv | cut -d, -f4 | sort -g | head -1)
ok 'the validation loss is that of the true labels' perl -e 'exit !(abs($ARGV[0] - $ARGV[1]) < 1e-4)' \
  "$taught_loss" "$lowest"
plain train cells --out again "${small[@]}" --epochs 2 --teacher large/best.safetensors
ok 'a model file teaches as its run' code_is 0
mkdir elsewhere && cp -r large elsewhere/
plain train cells --out again "${small[@]}" --epochs 4 --teacher elsewhere/large --resume
ok 'a run goes on with the same teacher in another place' code_is 0
ok 'to the same bits' same_file taught/last.safetensors again/last.safetensors
ok 'and the same history but for the times' \
  same_file <(cut -d, -f1-6 taught/history.csv) <(cut -d, -f1-6 again/history.csv)
plain train cells --out again "${small[@]}" --epochs 4 --teacher large --resume
ok 'where nothing is left to train' code_is 0
ok 'the teacher is not asked' bash -c '! grep -q "^ *teacher" err'
run train cells --out again "${small[@]}" --epochs 5 --resume
ok 'it does not go on without' err_has "another 'teacher'"
run train cells --out again "${small[@]}" --epochs 5 --resume --teacher alone
ok 'or with another' err_has "another 'teacher'"
plain train cells --out two "${small[@]}" --epochs 2 --teacher large --teacher alone
ok 'two teach as one' code_is 0
cp two/run.json out
ok 'and both are named' json teacher.1 alone

# Who may not teach

mkdir bare && cp large/best.safetensors bare/model.safetensors
run train cells --out bad "${small[@]}" --epochs 1 --teacher bare/model.safetensors
ok 'whose training cells are not known is refused' code_is 3
ok 'as a leak' err_has 'split.csv.*LEAK'
run train cells --out bad "${small[@]}" --epochs 1 --seed 2 --teacher large
ok 'so is who was trained on persons to test on' err_has 'cells to test on are of persons.*LEAK'
ok 'and how to split as it did is said' err_has '--split'
plain train cells --out bad "${small[@]}" --epochs 1 --seed 2 --split large/split.csv --teacher large
ok 'which is allowed then' code_is 0
rm -r bad
run train cells --out bad "${small[@]}" --epochs 1 --keep last --teacher large
ok 'whose epoch was chosen on the tested cells does not teach where none is to be' \
  err_has 'epoch was chosen.*LEAK'
run train cells --out bad "${small[@]}" --epochs 1 --teacher nowhere
ok 'nor does who is not there' err_has 'nowhere.*NOT_FOUND'
plain train cells --out leak "${small[@]}" --epochs 1 --by image --allow-leak --teacher large
ok 'where the split leaks and may, it is all the same' code_is 0
ok 'as is said' err_has 'THIS SPLIT LEAKS'
number_of=0
mkdir -p three/a three/b three/c
for file in $(find cells -name '*.png' | sort | head -36); do
  cp "$file" "three/$(printf 'abc' | cut -c$((number_of % 3 + 1)))/$number_of.png"
  number_of=$((number_of + 1))
done
run train three --out bad "${small[@]}" --epochs 1 --by image --allow-leak --teacher large
ok 'more than two classes are not taught' err_has 'answers for two classes.*BAD_DATA'
ok 'nothing is made of them' missing bad

# With folds

folds=("${large[@]}" --folds 3 --epochs 3)
plain train cells --out cv "${folds[@]}" --keep last --refit
ok 'a larger network is cross-validated' code_is 0
plain train cells --out chosen "${folds[@]}"
ok 'and one whose epochs are chosen' code_is 0
last=("${small[@]}" --folds 3 --epochs 3 --keep last)
plain train cells --out student "${last[@]}" --teacher cv --json
ok 'a small one learns from it' code_is 0
ok 'and is scored on all cells' json pooled.n 96
for fold in 1 2 3; do
  cp "student/fold-$fold/run.json" out
  ok "fold $fold from its fold $fold" json teacher.0 "cv/fold-$fold"
  ok 'alone' json options.teacher.models.0 "$(hash_of "cv/fold-$fold/best.safetensors")"
done
plain train cells --out one "${small[@]}" --epochs 3 --keep last --split cv/fold-2/split.csv \
  --teacher cv/fold-2
ok 'as if trained alone' same_file one/last.safetensors student/fold-2/last.safetensors
before=$(cat student/evaluation.json student/predictions.csv student/fold-*/*.safetensors | sha256sum)
rm -r student/fold-2/metrics.json student/fold-3
plain train cells --out student "${last[@]}" --teacher cv --resume
ok 'it goes on' code_is 0
ok 'to the same bits' test \
  "$(cat student/evaluation.json student/predictions.csv student/fold-*/*.safetensors | sha256sum)" = \
  "$before"
run train cells --out student "${last[@]}" --resume
ok 'but not without its teacher' err_has "another 'teacher'"
plain report student --out student.html
ok 'its report tells who taught' grep -q 'of p that 1 trained network gives it' student.html
sed 's/<[^>]*>//g' student.html >words.txt
ok 'and how to repeat it' grep -q -e '--teacher cv ' words.txt
plain train cells --out pair "${small[@]}" --folds 3 --epochs 1 --teacher cv --teacher chosen
ok 'two cross-validations teach as one' code_is 0
cp pair/fold-3/run.json out
ok 'fold by fold' json teacher.1 chosen/fold-3
plain train cells --out refit "${last[@]}" --refit --teacher cv
ok 'with --refit, too' code_is 0
cp refit/all/run.json out
ok 'whose last teacher is that of all cells' json teacher.0 cv/all

run train cells --out bad "${last[@]}" --teacher large
ok 'a single run does not teach folds' code_is 2
ok 'but a cross-validation' err_has 'the folder of a cross-validation'
run train cells --out bad "${last[@]}" --teacher cv --teacher large
ok 'nor beside one' err_has 'some of them are cross-validations'
run train cells --out bad "${last[@]}" --seed 2 --teacher cv
ok 'other folds are refused' err_has "folds are others.*MISMATCH"
ok 'and how to take the same is said' err_has '--split'
plain train cells --out same "${small[@]}" --seed 2 --epochs 1 --keep last --split cv/folds.csv \
  --teacher cv
ok 'which is allowed then' code_is 0
run train cells --out bad "${last[@]}" --teacher chosen
ok 'so is one whose epochs were chosen, where none is to be' err_has 'epoch was chosen.*LEAK'
run train cells --out bad "${last[@]}" --refit --teacher chosen
ok 'at once' code_is 3
cp -r cv swapped && mv swapped/fold-1 kept && mv swapped/fold-2 swapped/fold-1 &&
  mv kept swapped/fold-2
run train cells --out bad "${last[@]}" --teacher swapped
ok 'so are models of another fold' err_has 'fold-1.*cells to test on are of persons.*LEAK'
rm -r swapped/all swapped/fold-1 swapped/fold-2 && cp -r cv/fold-1 cv/fold-2 swapped/
run train cells --out bad "${last[@]}" --refit --teacher swapped
ok 'without a model of all cells --refit is refused' err_has 'swapped/all.*NOT_FOUND'
ok 'and what to do is said' err_has 'leave --refit away'
rm swapped/evaluation.json
run train cells --out bad "${last[@]}" --teacher swapped
ok 'an unfinished cross-validation does not teach' err_has 'not finished'
run train cells --out bad "${small[@]}" --epochs 1 --teacher cv
ok 'nor do all folds together one training' err_has LEAK
ok 'nothing is made of them' missing bad
finish
