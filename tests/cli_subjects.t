#!/bin/bash
# `leuko predict --by`: the answers of each person together.
. "$ROOT/tests/tap.sh"

run data synth cells --cells 48 --seed 3
plain train cells --out run --size 32 --widths 8,8 --dense 16 --epochs 1 --threads 1
ok 'there is a model' code_is 0
run predict run cells --csv --no-reject
cp out cells.csv
run predict run cells --no-reject --by subject --json
ok 'subjects are answered' code_is 0
ok 'each with these keys' \
  json 0 cells,interval,mean_p,positive,reasons,refused,rejected,sentence,share,subject
ok 'in natural order' json 1.subject 2
cp out subjects.json
expected() { # SUBJECT: cells, cells answered all, mean p
  awk -F, -v name="/UID_$1_" '
    index($1, name) { n++; all += $4 == "all"; sum += $3 }
    END { printf "%d %d %.5f", n, all, sum / n }' cells.csv
}
ok 'from the answers for its cells' test "$(expected 2)" = \
  "$(value 1.cells) $(value 1.positive) $(printf %.5f "$(value 1.mean_p)")"
ok 'in a sentence' test -n "$(value 1.sentence | grep 'cells look leukemic.*research use only')"
run predict run cells --no-reject --by subject --csv
ok 'the CSV has its header' \
  test "$(head -1 out)" = subject,cells,positive,share,low,high,mean_p,refused,rejected,reasons
ok 'and all cells' test "$(awk -F, '{ n += $2 } END { print n }' out)" = 48
run predict run cells --no-reject --by subject
ok 'the table, too' out_has '^H1  *[0-9]'
ok 'and says what it is not' out_has 'no diagnosis'
run predict run cells --no-reject --by folder --csv
ok 'folders stand for persons' out_has 'cells/training_data/fold_0/all,'

# Tied names, names that tell nothing, files that cannot be read

mkdir few
n=0
for name in UID_20_1_1_all UID_1_1_1_all UID_H2_1_1_hem UID_h7_1_1_hem scan; do
  cp "$(sed -n $((n += 2))p cells.csv | cut -d, -f1)" few/$name.png
done
echo text >few/UID_1_2_1_all.png
run predict run few --no-reject --by subject --json
ok 'tied names are one person' json '' 3
ok 'by its first name' json 0.subject 1
ok 'with all its cells' json 0.cells 2
ok 'in any case' json 1.subject H2
ok 'what cannot be read is counted' json 0.refused 1
ok 'and ends with 4' code_is 4
ok 'cells without a name stand by themselves' json 2.subject null
touch few/SYNTHETIC.txt
run predict run few --no-reject --by subject --json
ok 'drawn cells have no ties' json '' 5
run predict run few --by cell
ok 'nothing else is a person' code_is 2

# What the model does not answer for: 64 x 64 pixels, all black.

mkdir blank
printf 'BM\066\060\0\0\0\0\0\0\066\0\0\0\050\0\0\0\100\0\0\0\100\0\0\0\001\0\030\0' \
  >blank/UID_9_1_1_all.bmp
head -c 12312 /dev/zero >>blank/UID_9_1_1_all.bmp
run predict run blank --by subject --json
ok 'what is rejected is no cell of the person' json 0.cells 0
ok 'but counted' json 0.rejected 1
ok 'with its reason' json 0.reasons.no_cell 1
ok 'and no failure' code_is 0
run predict run blank --by subject --csv
ok 'also in the CSV' test "$(sed -n 2p out)" = '9,0,0,,,,,0,1,1 no_cell'
run predict run blank --by subject
ok 'and in words' out_has '9: no cell is answered; 1 rejected (1 no_cell)'

# Shares

bound() { # CELLS ALL: the interval of that many equal answers
  rm -rf same
  mkdir same
  for ((i = 0; i < $1; i++)); do
    cp "${answered[i < $2 ? 0 : 1]}" same/UID_8_1_${i}_all.png
  done
  run predict run same --no-reject --by subject --csv
  sed -n 2p out | cut -d, -f2,3,5,6
}
answered=("$(awk -F, '$4 == "all" { print $1; exit }' cells.csv)"
  "$(awk -F, '$4 == "hem" { print $1; exit }' cells.csv)")
if [ -n "${answered[0]}" ] && [ -n "${answered[1]}" ]; then
  # scipy.stats.binomtest(k, n).proportion_ci(method="exact")
  ok 'the interval is that of Clopper and Pearson' test "$(bound 10 7)" = 10,7,0.347547,0.933260
  ok 'also where all are answered alike' test "$(bound 4 4)" = 4,4,0.397635,1.000000
else
  skip 2 'the model answers all cells alike'
fi
finish
