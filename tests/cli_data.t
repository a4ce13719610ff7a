#!/bin/bash
# The commands `leuko data scan|verify|split|synth`: what they print, where, and their exit codes.
. "$ROOT/tests/tap.sh"

# Help and wrong calls

run data --help
ok 'data --help explains' out_has 'verify'
ok 'and ends with 0' code_is 0
for command in scan verify split synth; do
  run data $command --help
  ok "data $command --help explains" out_has 'Usage'
done
run data
ok 'no command is a wrong call' code_is 2
run data nonsense
ok 'so is an unknown one' code_is 2
run data scan
ok 'so is a scan without a folder' code_is 2
run data split . --by patient -o x.csv
ok 'so is an unknown way to split' code_is 2
run data split . --by image --ratio 0:1 -o x.csv
ok 'so is a ratio of nothing' code_is 2
run data split . --by image
ok 'so is a split without -o' code_is 2
run data verify .
ok 'so is a comparison with nothing' code_is 2
run data scan nowhere
ok 'a missing folder is refused' code_is 3
ok 'by its name' err_has 'nowhere.*NOT_FOUND'
mkdir void
run data scan void
ok 'an empty folder is no data' err_has 'NO_DATA'
ok 'and is refused' code_is 3

# Drawn cells

run data synth drawn --cells 48 --seed 3
ok 'cells are drawn' code_is 0
run data synth drawn --cells 48
ok 'but not over others' code_is 2
run data scan drawn
ok 'a scan of them succeeds' code_is 0
ok 'and says that they are not real' out_has 'drawn, not real'
ok 'with a row for each subject' out_has '^H9 '
run data scan drawn --json
ok 'as JSON' json images 48
ok 'with classes' json classes.1.class all
ok 'with folds' json folds 3
ok 'with subjects' json subjects 18
ok 'with formats' json formats.png 48
ok 'with nothing refused' json refused_files 0

run data split drawn --by subject -o subject.csv
ok 'a split by subject succeeds' code_is 0
ok 'and leaks nothing' out_has 'none of the 18 subjects is on both sides'
ok 'with the documented header' [ "$(head -1 subject.csv)" = 'path,sha256,subject,label,part' ]
ok 'and a row for every cell' [ "$(wc -l <subject.csv)" = 49 ]
ok 'no subject is on both sides' [ "$(tail -n +2 subject.csv | cut -d, -f3,5 | sort -u | cut -d, -f1 | uniq -d | wc -l)" = 0 ]
cp subject.csv first.csv
run data split drawn --by subject -o subject.csv
ok 'the same again' same_file first.csv subject.csv
run data split drawn --by image --ratio 75:25 --seed 2 -o image.csv
ok 'a split by image says that it leaks' out_has 'LEAKS: [0-9]* of 18 subjects'
ok 'and meets the ratio' [ "$(grep -c ',train$' image.csv)" = 36 ]
run data split drawn --by image --json -o image.csv
ok 'as JSON, too' json train.cells 29
run data split drawn --by fold -o fold.csv
ok 'a split by fold tests one fold' out_has 'fold_[0-2] is tested on'
ok 'whole' [ "$(grep ',test$' fold.csv | cut -d/ -f2 | sort -u | wc -l)" = 1 ]
run data split drawn --by subject -o nowhere/split.csv
ok 'a split that cannot be written is refused' code_is 3
ok 'and nothing is left behind' missing nowhere

# Files in need of care

cp -r drawn care
rm care/SYNTHETIC.txt
cell=$(cd care && find . -name '*.png' | sort | head -1)
head -c 500 "care/$cell" >care/training_data/fold_0/all/UID_1_90_1_all.png
: >care/training_data/fold_0/all/UID_1_90_2_all.png
echo words >care/training_data/fold_0/hem/UID_H1_90_1_hem.jpg
ln -s .. care/training_data/fold_0/hem/loop
run data scan care
ok 'damaged files end with 4' code_is 4
ok 'the truncated one is named' err_has 'UID_1_90_1_all.png.*CORRUPT_IMAGE'
ok 'the empty one' err_has 'UID_1_90_2_all.png.*EMPTY'
ok 'the one that is no image' err_has 'UID_H1_90_1_hem.jpg.*NOT_AN_IMAGE'
ok 'and the way round in circles' err_has 'left out: training_data/fold_0/hem/loop'
ok 'the rest is counted' out_has 'care: 51 images.*3 of them refused'
run data scan care --json
ok 'JSON lists the refused ones' json refused_files 3
ok 'with their reasons' json refused_files.0.status CORRUPT_IMAGE
ok 'still ending with 4' code_is 4
run data split care --by image -o care.csv
ok 'a split goes on without them' [ "$(wc -l <care.csv)" = 49 ]
ok 'and ends with 4' code_is 4
mkdir broken
echo words >broken/1.png
run data scan broken
ok 'nothing but damage is refused' code_is 3

# Other trees

mkdir -p other/good other/bad
cp "drawn/$cell" other/good/1.png
cp "$(find drawn -name '*.png' | sort | tail -1)" other/bad/2.png
run data scan other --positive bad --json
ok 'the positive class is chosen' json positive bad
ok 'and is the second' json classes.1.class bad
run data scan other --positive worst
ok 'but must exist' code_is 2
run data split other --by subject -o x.csv
ok 'subjects must be known' err_has 'subjects CSV'
printf 'path,subject\ngood/1.png,A\nbad/2.png,B\n' >who.csv
run data split other --by subject --subjects who.csv -o x.csv
ok 'or told' grep -q '^good/1.png,[0-9a-f]*,A,good,' x.csv

# The official list

sum=$(sha256sum "drawn/$cell" | cut -d' ' -f1)
printf 'path\tbytes\tsha256\n%s\t%s\t%s\nx/UID_7_7_7_all.bmp\t1\t%064d\n' \
  "${cell#./}" "$(stat -c %s "drawn/$cell")" "$sum" 0 >list.tsv
run data verify drawn --manifest list.tsv --json
ok 'originals are counted' json counts.original 1
ok 'missing ones' json counts.missing 1
ok 'extra ones' json counts.extra 47
ok 'none is altered' json counts.altered 0
ok 'all is well' code_is 0
echo more >>"care/$cell"
run data verify care --manifest list.tsv
ok 'other bytes under the name of an original are altered' out_has "altered: ${cell#./}"
ok 'which ends with 4' code_is 4
run data verify drawn --manifest first.csv
ok 'what is no such list is refused' code_is 3
ok 'by name and line' err_has 'first.csv.*line 1.*BAD_CSV'

# Real cells

if [ -n "${LEUKO_SHARED:-}" ]; then
  data=$LEUKO_SHARED/data
  run data verify "$data/cnmc-sample" --manifest "$data/cnmc2019-manifest.tsv" --json
  ok 'the sample: originals' json counts.original 97
  ok 'the sample: re-encoded' json counts.reencoded 264
  ok 'the sample: nothing else' json counts.extra 0
  run data verify "$data/cnmc" --manifest "$data/cnmc2019-manifest.tsv" --json
  ok 'the re-encoded data: all 7,079' json counts.reencoded 7079
  ok 'the re-encoded data: 8,036 missing' json counts.missing 8036
  run data scan "$data/cnmc" --json
  ok 'the re-encoded data: 53 subjects' json ties.subjects 53
  ok 'the re-encoded data: 41 persons' json ties.persons 41
  run data split "$data/cnmc" --by image -o image.csv --json
  ok "the paper's split: 4,247 cells to train on" json train.cells 4247
  ok "the paper's split: 2,832 to test on" json test.cells 2832
  run data split "$data/cnmc" --by subject -o subject.csv --json
  ok 'a split by subject of them leaks nothing' json leaks.on_both_sides 0
  tied=0
  for pair in 20:21 51:75 51:78 H2:H4 H2:H5 H2:H6 H3:H10; do
    [ "$(cut -d, -f3,5 subject.csv | grep -E "^(${pair%:*}|${pair#*:})," | sort -u | cut -d, -f2 | sort -u | wc -l)" = 1 ] || tied=1
  done
  ok 'tied subjects are on one side' [ $tied = 0 ]
else
  skip 11 'LEUKO_SHARED is not set: no real cells'
fi
finish
