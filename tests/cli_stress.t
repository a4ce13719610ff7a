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
cp stress/stress.json first.json
plain stress run cells --limit 4 --drawn 2 --foreign others --out again --json
ok 'the same call gives the same file' same_file first.json again/stress.json
ok 'the cells are counted' json clean.n 4
ok 'as they are, none has changed' json clean.changed 0
ok 'every corruption is there' json corruptions 12
ok 'with its steps' json corruptions.0.steps 5
ok 'blanks are no cells' json foreign.0.rejected 2
ok 'and named' json foreign.0.name 'drawn blanks'
ok 'scores are compared' json scores 3

run stress run cells --limit 2 --drawn 0 --json
ok 'without drawn pictures there is none' json foreign 0
ok 'and nothing is compared' json scores.0.auc null

run stress run
ok 'a model without cells is a wrong call' code_is 2
run stress run others
ok 'a folder without classes is refused' test "$code" != 0
ok 'with a remedy' err_has '->'
run stress nowhere cells
ok 'so is a model that is not there' test "$code" != 0
finish
