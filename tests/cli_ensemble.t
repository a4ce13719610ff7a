#!/bin/bash
# Several models that answer as one: a cross-validation's folds, `--model` given more than once.
. "$ROOT/tests/tap.sh"
n=0

run data synth cells --cells 48 --seed 3
plain train cells --out cv --size 32 --widths 8,8 --dense 16 --batch 16 --threads 1 --epochs 1 \
  --folds 3
ok 'there is a cross-validation' code_is 0
good=($(find cells -name '*.png' | sort | head -4))

run predict cv "${good[@]}" --json --no-reject
ok 'its folder answers as one model' code_is 0
ok 'with every fold' json 0.members 3
cp out together
cp out sum
for fold in 1 2 3; do
  run predict cv/fold-$fold "${good[@]}" --json --no-reject
  ok "fold $fold alone answers with what it says together" test \
    "$(value 2.p)" = "$(cp out alone; cp together out; value 2.members.$((fold - 1)))"
done
# The mean of calibrated logits, and the standard deviation of the probabilities.
expected=$(perl -MJSON::PP -e '
  local $/; my $row = JSON::PP->new->decode(<STDIN>)->[2];
  my ($sum, $mean, $squares) = (0, 0, 0);
  $sum += log($_ / (1 - $_)) for @{$row->{members}};
  $mean += $_ / 3 for @{$row->{members}};
  $squares += ($_ - $mean) ** 2 for @{$row->{members}};
  printf "%.9f %.9f", 1 / (1 + exp(-$sum / 3)), sqrt($squares / 2)' <together)
cp together out
ok 'the answer is the mean of their logits, with their spread' \
  test "$(printf '%.9f %.9f' "$(value 2.p)" "$(value 2.spread)")" = "$expected"
ok 'which is not calibrated again' json 2.p "$(value 2.p_raw)"
run predict --model cv/fold-1 --model cv/fold-2/best.safetensors --model cv/fold-3 "${good[@]}" --json --no-reject
ok 'so do models that are named one by one' same_file together out
run predict --model cv "${good[@]}" --csv --no-reject
ok 'the CSV tells the spread' test "$(head -1 out)" = path,sha256,p,label,status,p_raw,reason,distance,spread
run predict cv "${good[@]}" --no-reject
ok 'so does the table' out_has ' ± 0\.'
echo text >garbage.png
run predict cv "${good[0]}" garbage.png --json
ok 'what all refuse is refused' json 1.status NOT_AN_IMAGE
ok 'with the usual exit code' code_is 4
# 64 x 64 pixels, all black.
printf 'BM\066\060\0\0\0\0\0\0\066\0\0\0\050\0\0\0\100\0\0\0\100\0\0\0\001\0\030\0' >black.bmp
head -c 12312 /dev/zero >>black.bmp
run predict cv black.bmp --json
ok 'what the members reject is rejected' json 0.reason no_cell
run predict --model cv/fold-1 "${good[@]}" --json --no-reject
ok 'one model has no spread' json 0 distance,label,p,p_raw,path,reason,sha256,status

# evaluate: not on persons that a member was trained on

run evaluate cv cells
ok 'cells of persons that were trained on are refused' err_has LEAK
ok 'as a leak' code_is 3
run evaluate cv cells --allow-leak --json
ok 'unless asked for' json n 48
ok 'at a threshold in the middle of theirs' test "$(value threshold)" != 0.5
run evaluate cv/fold-1 cells --split cv/fold-1/split.csv
ok 'one model on its held-out cells is no leak' test -z "$(grep 'trained on' err)"
run evaluate cv/fold-1 cells
ok 'on all cells it is told' err_has 'cells are of persons that the model was trained on'
ok 'and done' code_is 0
run evaluate --model cv/fold-1 --model cv/fold-2 cells --split cv/fold-1/split.csv
ok "one fold's cells were trained on by the other" err_has LEAK
run data synth others --cells 48 --seed 9
for file in $(find others -name '*.png'); do
  mv "$file" "$(echo "$file" | sed 's/UID_\(H*\)/UID_\19/')"
done
run evaluate cv others --out scores --json
ok 'other persons are scored' code_is 0
ok 'all of them' json n 48

# What is no ensemble

mkdir -p two/left two/right
cp $(find cells -path '*all*' -name '*.png' | sort | head -6) two/left
cp $(find cells -path '*hem*' -name '*.png' | sort | head -6) two/right
for file in two/*/*; do mv "$file" "${file%/*}/$((++n)).png"; done
plain train two --out two-run --size 32 --widths 8 --dense 8 --epochs 1 --threads 1 --by image \
  --allow-leak
run predict --model cv --model two-run "${good[0]}"
ok 'models of other classes do not answer together' err_has MISMATCH
mv cv/evaluation.json kept
run predict cv "${good[0]}"
ok 'an unfinished cross-validation is refused' err_has 'not finished'
mv kept cv/evaluation.json
run evaluate --model cv cells more
ok 'evaluate: a model too many is a wrong call' code_is 2
finish
