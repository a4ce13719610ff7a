#!/bin/bash
# `leuko stress`: corrupted cells, pictures that are no cells, files, what is refused, exit codes.
. "$ROOT/tests/tap.sh"

run data synth cells --cells 48 --seed 3
plain train cells --out run --size 32 --widths 8,8 --dense 16 --epochs 2 --threads 1 --crop 300
ok 'there is a model' code_is 0
mkdir others
head -c 3000 "$(find cells -name '*.png' | sort | head -1)" >others/cut.png
cp "$(find cells -name '*.png' | sort | head -1)" others/cell.png

plain stress run cells --limit 4 --drawn 2 --foreign others --out stress
ok 'cells and pictures end with 0' code_is 0
ok 'a table of the cells' out_has '^as they are'
ok 'each corruption is in it' out_has '^blurred *16 pixels'
ok 'one of the pictures' out_has '^drawn blanks *2 '
ok 'and one of the scores' out_has '^energy'
ok 'the head, the cells, 11 corruptions of 5 steps and one, 7 kinds of pictures' \
  lines_are stress/stress.csv 65
ok 'a picture that cannot be read is left out' grep -q '^foreign,foreign files,,1,' stress/stress.csv
ok 'nothing half-written' nothing_half_written stress
ok 'it says that no tested cell was trained on' out_has 'No model was trained on the cells'
ok 'nothing goes into the run folder' missing run/stress.json
cp stress/stress.json first.json
plain stress run cells --limit 4 --drawn 2 --foreign others --out again --json
ok 'the same call gives the same file' same_file first.json again/stress.json
ok 'the cells are counted' json clean.n 4
ok 'they are held out' json cells held_out
ok 'the model is named' json models.0 "$(hash_of run/best.safetensors)"
ok 'as they are, none has changed' json clean.changed 0
ok 'every corruption is there' json corruptions 12
ok 'with its steps' json corruptions.0.steps 5
ok 'blanks are no cells' json foreign.0.rejected 2
ok 'and named' json foreign.0.name 'drawn blanks'
ok 'scores are compared' json scores 3

run stress run cells --limit 2 --drawn 0 --json
ok 'without drawn pictures there is none' json foreign 0
ok 'and nothing is compared' json scores.0.auc null

ok 'without --out it goes into the run folder' test -s run/stress.json -a -s run/stress.csv

cp -r cells known
perl -ne 'print if /,train$/' run/split.csv | cut -d, -f1 | sort >trained
(cd known && find . -name '*.png' | sed 's|^\./||' | sort | comm -23 - ../trained | xargs rm)
plain stress run known --limit 2 --drawn 0 --out k --json
ok 'of cells that were trained on it says so' json cells trained_on
cp run/best.safetensors alone.safetensors
plain stress alone.safetensors cells --limit 2 --drawn 0 --json
ok 'of a model file nothing is known' json cells unknown
ok 'and nothing is written' missing stress.json

plain stress run run cells --limit 2 --drawn 0 --json
ok 'several answer as one' json members 2
ok 'and go nowhere without --out' same_file stress/stress.json first.json

# In the report
plain report run --data cells --out r.html
ok 'the report takes it' grep -q 'Corrupted cells and foreign pictures' r.html
ok 'with the corruptions' grep -q 'blurred, pixels' r.html
ok 'and without pictures says so' grep -q 'No pictures that are no cells' r.html
run stress run cells --limit 4 --drawn 2
ok 'another call replaces it' code_is 0
ok 'with a figure' test -s run/figures/stress.svg
plain report run --data cells --out r.html
ok 'and the scores are compared there' grep -q 'By one score alone' r.html
ok 'its card has the worst of each' grep -q '^| smaller | 0.* times the size | ' r-MODELCARD.md
cp -r run other
plain train cells --out fresh --size 32 --widths 8,8 --dense 16 --epochs 2 --threads 1 --seed 9
cp fresh/best.safetensors other/
plain report other --data cells --out r.html
ok 'that of another model is not taken' grep -q 'of other models than those in the folder' r.html
echo '{}' >run/stress.json
plain report run --data cells --out r.html
ok 'nor a broken one' grep -q 'not what this version' r.html
rm run/stress.json
plain report run --data cells --out r.html
ok 'where there is none the command is named' grep -q 'leuko stress run DIR' r.html

plain stress cells --limit 2 --drawn 0 --json
ok 'where no model is named, those that came along' err_has 'answered by the models that came along'
ok 'answer as one' json members 2
run stress run
ok 'a model without cells is a wrong call' code_is 2
run stress run others
ok 'a folder without classes is refused' test "$code" != 0
ok 'with a remedy' err_has '->'
run stress nowhere cells
ok 'so is a model that is not there' test "$code" != 0
finish
