#!/bin/bash
# `leuko predict`, `info` and `evaluate`: what they print, for what is refused, and exit codes.
. "$ROOT/tests/tap.sh"

run data synth cells --cells 48 --seed 3
PATH=/nonexistent run train cells --out run --size 32 --widths 8,8 --dense 16 --epochs 2 --threads 1
ok 'there is a model' code_is 0
model=run/best.safetensors
good=($(find cells -name '*.png' | sort | head -5))
head -c 3000 "${good[0]}" >truncated.png
: >empty.png
echo 'this is a text' >garbage.png
# A header of 65535 x 65535 pixels.
printf 'BM\066\0\0\0\0\0\0\0\066\0\0\0\050\0\0\0\377\377\0\0\377\377\0\0\001\0\030\0' >huge.bmp
head -c 24 /dev/zero >>huge.bmp
bad=(truncated.png empty.png garbage.png huge.bmp missing.png)
status_of=(CORRUPT_IMAGE EMPTY NOT_AN_IMAGE TOO_LARGE NOT_FOUND)

# Good files

run predict $model "${good[@]}"
ok 'good files end with 0' code_is 0
ok 'a line for each, and a head' lines_are out 6
ok 'the head names the positive class' out_has '^p(all)'
cp out table
run predict run "${good[@]}"
ok 'a run folder stands for its best model' same_file table out
run predict $model "${good[@]}" --csv
ok '--csv has its header' test "$(head -1 out)" = path,sha256,p,label,status,p_raw,reason,distance
ok 'and a line for each' lines_are out 6
ok 'the first is the first file' \
  test "$(sed -n 2p out | cut -d, -f1,2,5)" = "${good[0]},$(hash_of "${good[0]}"),OK"
cp out all.csv
run predict $model "${good[@]}" --json
ok '--json is an array' json '' 5
ok 'of objects with these keys' json 0 distance,label,p,p_raw,path,reason,sha256,status
for i in 0 4; do
  ok "answer $i has its path" json $i.path "${good[i]}"
  ok "answer $i has its hash" json $i.sha256 "$(hash_of "${good[i]}")"
  ok "answer $i is good" json $i.status OK
  p=$(value $i.p)
  label=$(awk -v p="$p" 'BEGIN { print (p >= 0.5 ? "all" : "hem") }')
  ok "answer $i is labelled by its p" json $i.label $label
  ok "answer $i is in the CSV" test "$(sed -n $((i + 2))p all.csv | cut -d, -f3,4)" = \
    "$(printf %.6f "$p"),$label"
done
run predict $model "${good[@]}" --json --backend ref
ok 'backend ref answers the same to 4 digits' \
  test "$(value 0.p | cut -c1-6)" = "$(sed -n 2p all.csv | cut -d, -f3 | cut -c1-6)"
run predict $model "${good[@]}" --csv --batch 2 --threads 1
ok 'so do other batches' same_file <(cut -d, -f1,2,4 all.csv) <(cut -d, -f1,2,4 out)

# What is no cell

# A picture of 64 x 64 pixels, all black, and one all white.
head='BM\066\060\0\0\0\0\0\0\066\0\0\0\050\0\0\0\100\0\0\0\100\0\0\0\001\0\030\0'
{ printf "$head"; head -c 24 /dev/zero; head -c 12288 /dev/zero; } >black.bmp
{ printf "$head"; head -c 24 /dev/zero; head -c 12288 /dev/zero | tr '\0' '\377'; } >white.bmp
run predict $model black.bmp "${good[0]}" white.bmp
ok 'what is no cell is no failure' code_is 0
ok 'a blank is rejected' out_has '^- *rejected  black.bmp: no cell is found'
ok 'so is a bright one' out_has '^- *rejected  white.bmp: the background is not black'
ok 'a cell is answered beside them' out_has "^0.* ${good[0]}"
run predict $model black.bmp white.bmp --csv
ok 'the CSV has the reason and no p' \
  test "$(cut -d, -f3,4,5,6,7 out | tail -2 | tr '\n' ' ')" = \
  ',rejected,OK,,no_cell ,rejected,OK,,background '
run predict $model black.bmp --json
ok 'so has JSON' json 0.reason no_cell
ok 'the answer is none' json 0.label rejected
ok 'p is none' json 0.p null
ok 'the distance is told' test "$(value 0.distance)" != null
run predict $model black.bmp white.bmp --no-reject --json
ok '--no-reject answers all' test "$(value 0.reason)$(value 1.reason)" = nullnull
ok 'with a p' test "$(value 0.p)" != null

# Bad ones

run predict $model "${good[0]}" "${bad[@]}" "${good[1]}" --json
ok 'some refused files end with 4' code_is 4
ok 'every input has an answer' json '' 7
ok 'the good ones theirs' json 0.status OK
ok 'the good ones theirs' json 6.status OK
ok 'with the same p as alone' \
  test "$(printf %.5f "$(value 6.p)")" = "$(printf %.5f "$(sed -n 3p all.csv | cut -d, -f3)")"
for i in "${!bad[@]}"; do
  ok "${bad[i]} is ${status_of[i]}" json $((i + 1)).status "${status_of[i]}"
  ok "${bad[i]} has no p" json $((i + 1)).p null
  ok "${bad[i]} has no label" json $((i + 1)).label null
  ok "${bad[i]} says why" test -n "$(value $((i + 1)).message)"
  ok "${bad[i]} is named on stderr" err_has "${bad[i]}.*${status_of[i]}"
done
ok 'the missing one has no hash' json 5.sha256 ''
ok 'the garbage has' json 3.sha256 "$(hash_of garbage.png)"
run predict $model "${good[0]}" "${bad[@]}" --csv
ok 'so does the CSV' test "$(sed 1d out | cut -d, -f5 | tr '\n' ' ')" = "OK ${status_of[*]} "
run predict $model "${good[0]}" garbage.png
ok 'the table, too' out_has 'refused.*garbage.png'
for i in "${!bad[@]}"; do
  run predict $model "${bad[i]}" --json
  ok "${bad[i]} alone ends with 3" code_is 3
  ok "and still has its answer" json 0.status "${status_of[i]}"
done
run predict $model "${bad[@]}"
ok 'nothing but refused files ends with 3' code_is 3

# Where the files come from

printf '%s\n' "${good[@]}" | "$LEUKO" predict $model - --csv >out 2>err
code=$?
ok 'a list on stdin' same_file all.csv out
printf '%s\r\n\n%s' "${good[0]}" garbage.png | "$LEUKO" predict $model - --json >out 2>err
code=$?
ok 'with other line ends, an empty line and no last one' json '' 2
ok 'of which one is refused' code_is 4
"$LEUKO" predict $model - </dev/null >out 2>err
code=$?
ok 'an empty list is no data' err_has NO_DATA
ok 'and ends with 3' code_is 3
run predict $model cells --csv
ok 'a folder stands for all its images' lines_are out 49
ok 'and ends with 0' code_is 0
mkdir void
run predict $model void "${good[0]}" --json
ok 'an empty folder does not stop the others' code_is 4
ok 'and has an answer of its own' json 0.status NO_DATA
ok 'before that of the next' json 1.status OK
run predict $model void
ok 'alone it ends with 3' code_is 3
odd=$'odd, "name"\n\xff.png'
cp "${good[0]}" "$odd"
run predict $model "$odd" --json
ok 'any file name is answered' code_is 0
ok 'and stands in the JSON as Latin-1' \
  test "$(value 0.path | od -An -tx1 | tr -d ' \n')" = "$(printf '%s' "$odd" | iconv -f latin1 -t latin1 |
    od -An -tx1 | tr -d ' \n')"
run predict $model "$odd" --csv
ok 'and in the CSV between quotes' out_has '^"odd, ""name""$'

# info

run info run --json
ok 'info ends with 0' code_is 0
ok 'the self-check has passed' json self_check passed
ok 'the network is named' json network.name cnn
ok 'with its size' json network.size 32
ok 'and number of parameters' json parameters $((27 * 8 + 8 + 72 * 8 + 8 + 288 * 16 + 16 + 16 + 1))
ok 'the classes are' json classes 2
ok 'the positive one is' json positive all
ok 'the epoch is' test "$(value training.epoch)" -ge 1
run info run
ok 'in words, too' out_has 'self-check *passed'
run info run/last.safetensors --json
ok 'the last model is one' json self_check passed
ok 'without its history' test -z "$(value training.history | grep -v null)"

# Broken models

head -c 2000 $model >cut.safetensors
cp $model flipped.safetensors
printf '\377' | dd of=flipped.safetensors bs=1 seek=20 conv=notrunc 2>/dev/null
sed 's/\\"format\\":1/\\"format\\":7/' $model >newer.safetensors
sed 's/\\"name\\":\\"cnn\\"/\\"name\\":\\"xyz\\"/' $model >unknown.safetensors
cp $model altered.safetensors
size=$(stat -c %s $model)
# The last kernel's numbers become 2.0 each.
perl -e 'print pack("f<", 2) x 1000' |
  dd of=altered.safetensors bs=1 seek=$((size - 5000)) conv=notrunc 2>/dev/null
for broken in 'cut BAD_MODEL' 'flipped BAD_MODEL' 'newer UNSUPPORTED_MODEL' \
  'unknown UNSUPPORTED_MODEL' 'altered SELF_CHECK'; do
  set -- $broken
  run info $1.safetensors
  ok "info refuses the $1 model" code_is 3
  ok "and names it" err_has "$1.safetensors.*$2"
  [ $1 = altered ] && continue
  run predict $1.safetensors "${good[0]}"
  ok "predict refuses it" code_is 3
  ok "and prints no answer" test ! -s out
  run evaluate $1.safetensors cells
  ok "so does evaluate" code_is 3
done
run predict garbage.txt "${good[0]}"
ok 'what is missing is no model' err_has 'garbage.txt.*NOT_FOUND'
run predict nowhere "${good[0]}"
ok 'nor a folder that is missing' err_has 'nowhere.*NOT_FOUND'
mkdir begun
echo '{}' >begun/run.json
run predict begun "${good[0]}"
ok 'a run without a model is not passed over' err_has 'begun.*NOT_FOUND'

# The model in the box

mkdir -p box/bin box/models
cp "$LEUKO" box/bin/leuko
boxed() { LEUKO=$work/box/bin/leuko run "$@"; }
boxed predict "${good[@]}"
ok 'without a model in the box, one has to be named' err_has 'no model is named.*NOT_FOUND'
ok 'how, it says' err_has 'leuko train'
ok 'which ends with 3' code_is 3
cp $model box/models/leuko.safetensors
boxed predict "${good[@]}"
ok 'the model in the source tree answers' same_file table out
ok 'and is named' err_has "$work/box/models/leuko.safetensors"
cp $model box/models/leuko-cnn.safetensors
boxed predict "${good[@]}" --json
ok 'two in the box answer as one' json 0.members 2
ok 'and are named' err_has 'leuko.safetensors and .*leuko-cnn.safetensors'
boxed explain "${good[0]}" --method gradcam --out box/maps
ok 'a map is of the first of them' err_has 'by the model that came along: .*models/leuko.safetensors$'
mkdir -p box/share/leuko
cp $model box/share/leuko/leuko.safetensors
echo damaged >box/models/leuko.safetensors
boxed predict cells --csv
ok 'the installed one first; a folder of cells is no model' lines_are out 49
ok 'and named, too' err_has 'share/leuko/leuko.safetensors'
printf '%s\n' "${good[@]}" | "$work/box/bin/leuko" predict - --csv >out 2>err
ok 'a list is none either' same_file all.csv out
boxed predict $model "${good[@]}"
ok 'a named model goes before it' same_file table out
ok 'without a word' test -z "$(grep 'came along' err)"
boxed predict missing.png "${good[0]}" --json
ok 'an image that is missing is refused as one' json 0.status NOT_FOUND

# evaluate

run evaluate run cells --json --predictions predictions.csv
ok 'evaluate ends with 0' code_is 0
ok 'on all cells' json n 48
ok 'and lists its answers' lines_are predictions.csv 49
ok 'what is not answered is counted' test "$(value rejection)" = answered,by_class,by_reason,rejected
ok 'and left out beside all' test "$(value rejection.answered.n)" = $((48 - $(value rejection.rejected)))
ok 'predictions.csv has the reason' \
  test "$(head -1 predictions.csv | cut -d, -f10-)" = person,reason
run evaluate run cells --split run/split.csv --prevalence 0.01,0.3 --out scores --json
ok 'evaluate writes the points of the curves' \
  test "$(head -qn 1 scores/roc.csv scores/pr.csv scores/calibration.csv | tr '\n' ' ')" = \
  'threshold,false_positive_rate,true_positive_rate threshold,recall,precision bin,n,low,high,mean_p,share '
ok 'and metrics.json' test -s scores/metrics.json -a -s scores/predictions.csv
ok 'for the prevalences asked for' json predictive_values.1.prevalence 0.3
ok 'with intervals by subject' test "$(value intervals.by_subject.accuracy)" = 2
ok 'and by image' test "$(value intervals.by_image.accuracy)" = 2
ok 'three baselines stand beside the network' test "$(value baselines)" = 3
run evaluate run cells --split run/split.csv
ok 'the table says what is rejected' out_has '^rejected  [0-9]* of [0-9]* cells'
ok 'the table shows both intervals' out_has '95 % interval by'
ok 'and the baselines' out_has 'ten simple measures'
run evaluate run cells --prevalence 0
ok 'a prevalence of 0 is a wrong call' code_is 2
run evaluate run cells --split run/split.csv --part train --json
trained=$(value n)
run evaluate run cells --split run/split.csv --part test --json
ok 'or on a part' test $((trained + $(value n))) = 48
run evaluate run cells --part test
ok '--part needs --split' code_is 2
mkdir -p other/x other/y
cp "${good[0]}" other/x/1.png
cp "${good[1]}" other/y/2.png
run evaluate run other
ok 'cells of other classes are refused' code_is 3
ok 'by name' err_has "'x'"
cp -r cells spoiled
echo garbage >"spoiled/${good[2]#cells/}"
run evaluate run spoiled --json
ok 'a bad file is left out: exit code 4' code_is 4
ok 'and counted' json refused 1
ok 'and named' err_has NOT_AN_IMAGE

# Wrong calls and closed streams

for wrong in 'predict' 'predict run' 'predict run x --csv --json' 'predict run x --batch 0' \
  'predict run x --threads 0' 'predict run x --backend abacus' 'predict run x --colour' 'info' \
  'info run run' 'evaluate run' 'evaluate run cells more' 'nonsense' ''; do
  run $wrong
  ok "leuko $wrong is a wrong call" code_is 2
done
run --version
ok '--version' out_has '^leuko [0-9]'
for call in "predict $model ${good[0]}" "predict $model ${good[0]} --json" "info run" \
  "info run --json" "evaluate run cells"; do
  "$LEUKO" $call 2>err >&- </dev/null
  code=$?
  ok "$call: a closed stdout ends with 1" code_is 1
  ok 'and is said' err_has 'could not be written'
  if [ -w /dev/full ]; then
    "$LEUKO" $call 2>err >/dev/full </dev/null
    code=$?
    ok 'so does a full one' code_is 1
  else
    skip 1 'there is no /dev/full'
  fi
done
"$LEUKO" evaluate run cells --predictions safe.csv >&- 2>err
ok 'nothing is printed into a file instead' test "$(head -c 4 safe.csv)" = path
"$LEUKO" predict $model "${good[0]}" missing.png --csv >out 2>&-
code=$?
ok 'a closed stderr changes nothing' code_is 4
ok 'in the answers' lines_are out 3
finish
