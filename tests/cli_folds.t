#!/bin/bash
# `leuko train --folds`: a cross-validation, its files, its honesty, going on.
. "$ROOT/tests/tap.sh"

small=(--size 32 --widths 8,8 --dense 16 --batch 16 --threads 1 --epochs 3)

run data synth cells --cells 96 --seed 3
ok 'cells are drawn' code_is 0

run train cells --out cv "${small[@]}" --folds 3 --json
ok 'a cross-validation ends with 0' code_is 0
ok 'every cell is scored' json pooled.n 96
ok 'each fold has scores of its own' test "$(value per_fold)" = 3
ok 'with their mean and spread' test "$(value mean.auc)" != null -a "$(value spread.auc)" != null
ok 'without a threshold chosen on them' json pooled.threshold 0.5
ok 'nor a temperature' json pooled.calibration.temperature 1
ok 'cross-fitted scores stand beside' test "$(value cross_fitted.by_subject.auc)" = 2
ok 'so do baselines' test "$(value pooled.baselines)" = 3
auc=$(value pooled.auc)
temperature=$(value per_fold.1.temperature)
for file in folds.csv predictions.csv metrics.json evaluation.json roc.csv pr.csv calibration.csv \
  fold-1/best.safetensors fold-3/metrics.json; do
  ok "$file is there" test -s "cv/$file"
done
ok 'nothing half-written is' nothing_half_written cv
ok 'every cell has one prediction' lines_are cv/predictions.csv 97
ok 'which names its fold' test "$(head -1 cv/predictions.csv | sed 's/.*,//')" = fold
ok 'and why it is not answered' test "$(head -1 cv/predictions.csv | cut -d, -f11)" = reason
ok 'and is counted' test "$(value pooled.rejection.rejected)" = "$(tail -n +2 cv/predictions.csv | cut -d, -f11 | grep -c .)"
ok 'a fold is tested on its own cells' \
  test "$(grep -c ',test$' cv/fold-2/split.csv)" = "$(grep -c ',2$' cv/predictions.csv)"
run info cv/fold-2 --json
ok "its model has the temperature of the other folds' cells" json temperature "$temperature"
run evaluate cv/fold-2 cells --split cv/fold-2/split.csv --json
ok 'so that it was not fitted on the cells tested' json calibration.fitted_on_these_cells 0

# Its report

plain report cv --out cv.html
ok 'a cross-validation has a report' code_is 0
text() { sed 's/<[^>]*>/ /g' cv.html >text; }
text
for words in 'cross-validated on 96 cells' 'trained 3 times' 'Fold by fold' 'Cross-fitted' \
  'none of the 18 subjects is in two folds' 'ten simple measures' 'Persons told apart by' \
  'Cells that were not answered' 'with the rejected cells and without' 'Epoch kept' 'was chosen by its loss on the fold that is tested'; do
  ok "it says: $words" grep -q "$words" text
done
pooled=$(perl -MJSON::PP -e 'local $/; printf "%.3f", decode_json(<STDIN>)->{pooled}{auc}' \
  <cv/evaluation.json)
ok 'with the pooled scores' grep -q "$pooled" text
ok 'and the hash of every model' \
  grep -q "$(hash_of cv/fold-2/best.safetensors)" text
ok 'its card speaks of several models' grep -q 'a cross-validation: 3 models' cv-MODELCARD.md
ok 'with the scores' grep -q "$pooled" cv-MODELCARD.md
cp cv.html first.html
plain report cv --out cv.html
ok 'equal files give an equal page' same_file first.html cv.html
plain report cv cv/fold-1 --out cv.html
ok 'it stands beside a single run' code_is 0
plain stress cv cells --limit 9 --drawn 4 --json
ok 'a cross-validation is put under stress' code_is 0
ok 'by the models of its folds' json models 3
ok 'on cells that they held out' json cells held_out
ok 'all of them' json clean.n 9
ok 'each picture is shown once' json foreign.0.n 4
cp cv/stress.json single.json
plain stress cv cv cells --limit 9 --drawn 4 --json --out both
ok 'several are put under stress as one' code_is 0
ok 'each fold of all' json members 2
ok 'with all their models' json models 6
ok 'on cells that all of them held out' json cells held_out
ok 'that are the same' json clean.n 9
ok 'a model beside itself answers as it does' same_file both/stress.csv cv/stress.csv
ok 'nothing goes into one of the folders' same_file single.json cv/stress.json
run stress cv cv/fold-1 cells
ok 'a cross-validation and a model are not one' code_is 2
ok 'and it says why' err_has 'some of them are cross-validations'
mkdir fewer && cp -r cv/folds.csv cv/evaluation.json cv/fold-1 cv/fold-2 fewer/
run stress cv fewer cells
ok 'nor are other folds' err_has 'not as many folds'
plain report cv --out cv.html
text
ok 'which the report tells' grep -q 'the model of the fold that had held it out' text
mv cv/evaluation.json kept
plain report cv --out cv.html
ok 'an unfinished one has none' err_has 'not finished'
mv kept cv/evaluation.json

# Going on

before=$(cat cv/evaluation.json cv/predictions.csv cv/fold-*/*.safetensors | sha256sum)
run train cells --out cv "${small[@]}" --folds 3
ok 'a folder that holds one is a wrong call' code_is 2
ok 'and --resume is named' err_has '--resume'
rm -r cv/fold-2/metrics.json cv/fold-3
plain train cells --out cv "${small[@]}" --folds 3 --resume
ok 'it goes on' code_is 0
ok 'passing over what is done' err_has 'fold 1 of 3: done before'
ok 'to the same bits' test \
  "$(cat cv/evaluation.json cv/predictions.csv cv/fold-*/*.safetensors | sha256sum)" = "$before"
run train cells --out cv "${small[@]}" --folds 4 --resume
ok 'with other folds it is refused' code_is 3
run train cells --out cv "${small[@]}" --folds 3 --resume --lr 0.01
ok 'and with another option' err_has "another 'lr'"
run train cells --out cv "${small[@]}"
ok 'a single run does not go into it' code_is 2

# Once more on all cells

last=("${small[@]}" --folds 3 --keep last --refit)
run train cells --out once "${small[@]}" --refit --keep last
ok 'training on all cells follows a cross-validation' code_is 2
run train cells --out refit "${small[@]}" --folds 3 --refit
ok 'in which no epoch is chosen' code_is 2
plain train cells --out refit "${last[@]}"
ok 'a model of all cells is trained' code_is 0
ok 'on each of them' test "$(grep -c ',train$' refit/all/split.csv)" = 96
ok 'it has no scores' missing refit/all/metrics.json
run info refit/all --json
ok 'its threshold comes from all held-out cells' json operating_point.cells 96
ok 'nor has the model' test "$(value training.val_loss)" = null
run predict refit/all cells --json
ok 'and it answers' code_is 0
run report refit/all
ok 'nor a report' err_has 'trained on all cells'
ok 'as there is nothing to report on' code_is 3
mv refit/all all
plain train cells --out refit "${last[@]}" --resume
ok 'it is made again' code_is 0
ok 'of the same bits' same_file all/best.safetensors refit/all/best.safetensors
rm -r all refit

# From a CSV; nothing chosen

run data split cells --by subject --folds 3 -o folds.csv --json
ok 'folds are dealt' code_is 0
ok 'three of them' test "$(value parts)" = 3
ok 'without a leak' json leaks.on_both_sides 0
ok 'as the training deals them' same_file folds.csv cv/folds.csv
plain train cells --out last "${small[@]}" --split folds.csv --keep last --json
ok 'a CSV of folds is cross-validated' test "$(value per_fold)" = 3
ok 'the last epoch of each is kept' json per_fold.0.epoch 3
run train cells --out last "${small[@]}" --split folds.csv --resume
ok 'what is kept is an option of the run' err_has "another 'keep'"
run evaluate last/fold-1 cells --split folds.csv
ok 'one split is not several' err_has 'holds folds'
run train cells --out bad "${small[@]}" --keep last --patience 2
ok '--patience would choose' code_is 2
run train cells --out bad "${small[@]}" --folds 3 --by image
ok 'folds by image need --allow-leak' code_is 3
ok 'as a leak' err_has LEAK
ok 'nothing is begun' missing bad
run train cells --out bad "${small[@]}" --folds 90
ok 'more folds than subjects are refused' err_has 'subjects'

plain train cells --out stain "${small[@]}" --folds 3 --stain reinhard
ok 'cells are brought to the look of those trained on' code_is 0
for fold in 1 2; do
  plain train cells --out "alone-$fold" "${small[@]}" --stain reinhard \
    --split stain/fold-$fold/split.csv
  ok "fold $fold has the look of its own, as if trained alone" \
    same_file stain/fold-$fold/last.safetensors alone-$fold/last.safetensors
done

run compare cv last --json
ok 'cross-validations are compared' json n 96
ok 'by their pooled answers' test "$(printf %.9f "$(value runs.0.scores.auc.value)")" = \
  "$(printf %.9f "$auc")"
finish
