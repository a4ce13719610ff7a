#!/bin/bash
# The command `leuko data audit`: what it names, what it writes, and its exit codes.
. "$ROOT/tests/tap.sh"

run data audit --help
ok 'help explains' out_has 'Usage'
run data audit
ok 'no folder is a wrong call' code_is 2
run data audit nowhere
ok 'a missing folder is refused' code_is 3
mkdir void
run data audit void
ok 'an empty one, too' code_is 3
run data audit . --threads many
ok 'so is a number that is none' code_is 2

# Drawn cells, clean

run data synth drawn --cells 48 --seed 3
run data audit drawn
ok 'a clean tree is audited' code_is 0
ok 'names hold the class by convention' out_has 'class in the name *convention'
ok 'and nothing is named' [ "$(grep -c ' named ' out)" = 0 ]
run data audit drawn --json
ok 'as JSON' json images 48
ok 'with subjects' json subjects 18
ok 'that are as many persons' json persons 18
ok 'with no copies' json pairs.near.pairs 0
ok 'without a split' json split null
ok 'one format is no clue' json clues.0.verdict constant

# A class of other names, a copy, a broken file

cp -r drawn planted
class=$(cd planted && find . -path '*/hem/*.png' | sort)
for cell in $class; do
  mv "planted/$cell" "planted/${cell%.png}_copy.png"
done
first=$(cd drawn && find . -path '*/all/*.png' | sort | head -1)
cp "drawn/$first" planted/training_data/fold_1/all/UID_90_1_1_all.png
printf 'GIF89a' >planted/training_data/fold_0/all/UID_91_1_1_all.gif
run data audit planted --out report --json
ok 'a broken file ends with 4' code_is 4
ok 'by name' err_has 'UID_91_1_1_all.gif'
ok 'an identical file is found' json pairs.'same bytes'.pairs 1
ok 'across subjects' json pairs.'same bytes'.across_subjects 1
ok 'its subjects are tied' json ties 1
ok 'as a split by subject knows' json ties.0.kept_together 1
ok 'the names, that of the broken file too' json subjects 20
ok 'are one person fewer' json persons 19
ok 'the page is written' grep -q '<h1>Audit of planted</h1>' report/audit.html
ok 'with pictures' grep -q 'data:image/png;base64,iVBOR' report/audit.html
ok 'and nothing from elsewhere' [ "$(grep -c 'src="http' report/audit.html)" = 0 ]
ok 'the cells are written' lines_are report/cells.csv 51
ok 'the pairs are written' grep -q '^same bytes,' report/pairs.csv
canonical() { perl -MJSON::PP -e 'local $/; my $j = JSON::PP->new->utf8->canonical; print $j->encode($j->decode(<STDIN>))'; }
ok 'the JSON is that of stdout' [ "$(canonical <out)" = "$(canonical <report/audit.json)" ]
run data audit planted
ok 'what follows the name of one class is named' out_has 'rest of the name *named'

# A split

run data split drawn --by subject -o subject.csv
run data audit drawn --split subject.csv
ok 'a split by subject leaks nothing' out_has 'No leak of the split was found'
run data split drawn --by image -o image.csv
run data audit drawn --split image.csv
ok 'a split by image leaks' out_has 'The split leaks: of 18 subjects [0-9]* have cells on both sides'
run data audit planted --split subject.csv
ok 'a split of other data is refused' code_is 3
run data audit drawn --split nowhere.csv
ok 'so is one that is not there' code_is 3
run data audit drawn --out drawn/SYNTHETIC.txt
ok 'a report that cannot be written fails' [ "$code" != 0 ]

# Real cells

if [ -n "${LEUKO_SHARED:-}" ] && [ -d "$LEUKO_SHARED/data/cnmc-sample" ]; then
  data=$LEUKO_SHARED/data
  run data audit "$data/cnmc-sample" --manifest "$data/cnmc2019-manifest.tsv" --json
  ok 'the sample is audited' code_is 0
  ok 'all of it' json images 360
  run data audit "$data/cnmc-sample" --manifest "$data/cnmc2019-manifest.tsv"
  ok 'subjects who share originals are listed, though the files are re-encoded' out_has '^H2 and H4 *3 '
  ok 'and kept together' out_has '^H3 and H10 .*yes'
  ok 'those who share near copies only, too' out_has '^H2 and H7 *0 .*yes'
else
  skip 5 'no real cells: LEUKO_SHARED is not set'
fi

finish
