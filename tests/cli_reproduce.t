#!/bin/bash
# `leuko reproduce`: its table and page, going on after kills, reuse, refusals.
. "$ROOT/tests/tap.sh"
unset LEUKO_WEIGHTS

run data synth cells --cells 48 --seed 3
ok 'cells are drawn' code_is 0
cnn=(--models cnn --threads 1)

run reproduce cells --out whole "${cnn[@]}" --epochs 2 --json
ok 'the experiment ends with 0' code_is 0
ok 'its result is JSON with a row for each split' json rows 2
ok 'by image first' json rows.0.split image
ok 'with the last epoch' test "$(value rows.1.val_acc | cut -c1-6)" = \
  "$(sed -n 3p whole/table1.csv | cut -d, -f6 | cut -c1-6)"
ok 'beside the paper' json rows.0.paper_val_acc 0.8821
ok 'and the scores of the kept model' test "$(value rows.0.best.n)" -gt 10
ok 'table1.csv has its header' test "$(head -1 whole/table1.csv)" = \
  model,preprocess,split,acc,loss,val_acc,val_loss,val_auc,paper_acc,paper_loss,paper_val_acc,paper_val_loss
ok 'and a row a training' lines_are whole/table1.csv 3
ok 'the last epoch of each' test "$(sed -n 2p whole/table1.csv | cut -d, -f1-8)" = \
  "cnn,paper,image,$(tail -1 whole/runs/cnn-paper-image/history.csv |
    awk -F, '{ print $3 "," $2 "," $5 "," $4 "," $6 }')"
ok 'table1.md, too' test "$(grep -c '^| CNN' whole/table1.md)" = 3
for file in run.json split.csv best.safetensors predictions.csv metrics.json; do
  ok "a run folder has its $file" test -s whole/runs/cnn-paper-subject/$file
done
cells_in() { sed 1d "$1" | cut -d, -f1 | sort; }
ok 'both splits hold the same cells' \
  same_file <(cells_in whole/split-image.csv) <(cells_in whole/split-subject.csv)
page=whole/report.html
ok 'there is a page' test -s $page
ok 'that loads nothing' test \
  "$(grep -c -i -E '(src|href)=.?[^#"'"'"']|https?://|@import|url\([^#]|<script|<link' $page)" = 0
ok 'that says that cells are drawn' grep -q 'drawn by leuko' $page
if command -v gnuplot >/dev/null; then
  for figure in cnn-paper-image-accuracy cnn-paper-image-loss cnn-paper-subject-loss_accuracy gap; do
    ok "figure $figure is drawn" \
      test -s whole/figures/$figure.svg -a -s whole/figures/$figure.png
  done
  ok 'the page holds the figures' test "$(grep -c '<svg' $page)" = 5
  ok 'no identifier comes twice' test -z "$(grep -o " id=['\"][^'\"]*" $page | sort | uniq -d)"
else
  skip 6 'gnuplot is not installed'
fi
ok 'nothing half-written is' nothing_half_written whole

# Again

touch -d '2001-01-01' whole/runs/*/best.safetensors
cp whole/table1.csv before.csv
plain reproduce cells --out whole "${cnn[@]}" --epochs 2
ok 'what is done is not done again' code_is 0
ok 'and said so' err_has 'cnn-paper-subject: done before'
ok 'the models are not touched' test -z "$(find whole/runs -name best.safetensors -newermt 2002-01-01)"
ok 'the table is the same' same_file before.csv whole/table1.csv
ok 'without gnuplot the page says so' grep -q 'gnuplot-nox' $page
for other in '--epochs 3' '--seed 2' '--quick'; do
  plain reproduce cells --out whole "${cnn[@]}" --epochs 2 $other
  ok "$other on the same folder is refused" code_is 3
  ok 'as a mismatch' err_has MISMATCH
  ok 'that names it' err_has "another '${other:2:4}"
done
cp -r cells fewer
rm "$(find fewer -name '*.png' | sort | head -1)"
plain reproduce fewer --out whole "${cnn[@]}" --epochs 2
ok 'so are other cells' err_has MISMATCH
ok 'the table is still the same' same_file before.csv whole/table1.csv
plain reproduce cells --out other "${cnn[@]}" --epochs 2 --seed 2
ok 'another seed elsewhere gives another table' differ before.csv other/table1.csv

# Killed

more=("${cnn[@]}" --epochs 6)
plain reproduce cells --out undisturbed "${more[@]}"
ok 'an undisturbed one ends' code_is 0
lines_so_far() { cat killed/runs/*/history.csv 2>/dev/null | wc -l; }
stop_at() { # SIGNAL LINES, of both histories together
  PATH=/nonexistent "$LEUKO" reproduce cells --out killed "${more[@]}" >out 2>err </dev/null &
  local working=$!
  for ((i = 0; i < 6000 && $(lines_so_far) < $2; i++)); do sleep 0.01; done
  kill "-$1" $working 2>/dev/null
  wait $working 2>/dev/null
  code=$?
}
for lines in 0 2 5 7 9; do
  stop_at KILL $lines
  ok "it is killed at $lines epochs" code_is 137
done
stop_at TERM 10
ok 'SIGTERM ends it with 1' code_is 1
ok 'and it says how to go on' err_has 'same command again'
plain reproduce cells --out killed "${more[@]}"
ok 'it goes on' code_is 0
ok 'to the same table' same_file undisturbed/table1.csv killed/table1.csv
for split in image subject; do
  for file in best last; do
    ok "the same $file model by $split" same_file \
      {undisturbed,killed}/runs/cnn-paper-$split/$file.safetensors
  done
  ok "the same answers by $split" same_file \
    {undisturbed,killed}/runs/cnn-paper-$split/predictions.csv
done
ok 'nothing half-written stays' nothing_half_written killed

# Weights

plain reproduce cells --out without --threads 1 --epochs 1
ok 'without weights the CNN is trained alone' code_is 0
ok 'and what is missing is said' err_has 'ResNet-50 is left out'
ok 'with the remedy' err_has 'weights pull'
ok 'in the page, too' grep -q 'VGG16 is missing' without/report.html
ok 'the CNN is there' lines_are without/table1.csv 3
plain reproduce cells --out named --models vgg16
ok 'asked for by name it is refused' code_is 3
ok 'with the remedy' err_has 'weights pull'
ok 'before anything is trained' missing named/runs
if [ -n "${LEUKO_SHARED:-}" ]; then
  plain reproduce cells --out bases --models resnet50 --epochs 2 --weights "$LEUKO_SHARED/weights"
  ok 'ResNet-50 is trained four ways' lines_are bases/table1.csv 5
  ok 'with its features computed once for both splits' test \
    "$(ls bases/runs/*/timings.json | tr '\n' ' ')" = \
    "bases/runs/resnet50-paper-image/timings.json bases/runs/resnet50-weights-image/timings.json "
  plain reproduce cells --out bases --models cnn --epochs 2 --weights "$LEUKO_SHARED/weights"
  ok 'another network joins what is done' lines_are bases/table1.csv 7
else
  skip 3 'LEUKO_SHARED is not set'
fi

# Wrong calls and bad files

for wrong in '' '--models cnn,alexnet' '--models ,' '--epochs 0' '--threads none' 'more' '--fast'; do
  plain reproduce cells ${wrong:+--out wrong} $wrong
  ok "'$wrong' is a wrong call" code_is 2
done
plain reproduce nowhere --out wrong
ok 'a missing folder is refused' code_is 3
ok 'by name' err_has 'nowhere.*NOT_FOUND'
ok 'nothing comes of them' missing wrong
printf 'garbage' >"$(find fewer -name '*.png' | sort | head -1)"
plain reproduce fewer --out bad "${cnn[@]}" --epochs 1
ok 'a bad file is left out: exit code 4' code_is 4
finish
