#!/bin/bash
# `leuko report`: a page on one run and on two, made from drawn cells; what it needs and refuses.
. "$ROOT/tests/tap.sh"

page_has() { grep -q -e "$2" "$1"; }
# Nothing is loaded: no script, no address in an attribute but those within the page and of data.
stands_alone() {
  ! grep -q '<script' "$1" && ! grep -oE '(src|href)="[^"]{0,12}' "$1" | grep -vqE '="(#|data:)'
}
# Every element that is opened is closed, in order.
well_formed() {
  perl -0777 -ne '
    s/<!DOCTYPE[^>]*>//; s/<style>.*?<\/style>//sg; s/<!--.*?-->//sg; my @open;
    while (/<(\/?)([A-Za-z][\w:-]*)((?:[^>"\x27]|"[^"]*"|\x27[^\x27]*\x27)*)>/g) {
      my ($close, $name, $rest) = ($1, lc $2, $3);
      next if $name =~ /^(meta|br|img)$/ || $rest =~ /\/$/;
      if ($close) { (pop @open // "") eq $name or die "closed $name\n" } else { push @open, $name }
    }
    die "open: @open\n" if @open' "$1"
}

small=(--size 32 --widths 8,8 --dense 16 --batch 16 --threads 1 --epochs 2)
run data synth cells --cells 64 --seed 3
run data split cells --by subject -o split.csv
plain train cells --out a "${small[@]}" --split split.csv
plain train cells --out b "${small[@]}" --split split.csv --seed 2 --keep last --pooling average
ok 'two runs are trained' code_is 0

run report a --out one.html
ok 'a run has its report' code_is 0
ok 'whose name is printed' out_has 'one.html'
for part in 'In short' 'Study set-up' 'Flow of the cells' Scores 'without a network' \
  'Operating point' Calibration 'Person by person' 'not answered' Training 'worst and best' Limits Provenance; do
  ok "it has '$part'" page_has one.html "<h2 .*>.*$part</h2>"
done
ok 'its contents lead to each' sh -c "! grep -o 'href=\"#[^\"]*' one.html | cut -d'#' -f2 | \
  while read -r id; do grep -q \"<h2 id=.\$id.>\" one.html || echo \"\$id\"; done | grep ."
ok 'it says what it is for' page_has one.html 'Research use only'
ok 'and that the cells are drawn' page_has one.html 'drawn by leuko, not real'
ok 'figures are in it' page_has one.html 'Figure 9'
ok 'and cells' page_has one.html 'data:image/png;base64'
ok 'and the hash of the model' page_has one.html "$(hash_of a/best.safetensors)"
ok 'it stands alone' stands_alone one.html
ok 'it is well formed' well_formed one.html
ok 'scripts to redraw the figures are beside it' test -s one-figures/a/persons.gp
card=one-MODELCARD.md
ok 'a model card lies beside it' test -s $card
for part in 'Intended use' 'Not for diagnosis' 'Training data' 'drawn by leuko, not real' Scores \
  'Person by person' Limits 'chosen by its loss on the tested cells' 'To train it again'; do
  ok "it has '$part'" page_has $card "$part"
done
ok 'and the hash of the model, too' page_has $card "$(hash_of a/best.safetensors)"
cp $card card
cp one.html first.html
run report a --out one.html
ok 'the same again gives the same' same_file one.html first.html
ok 'and the same card' same_file card $card

plain report a b --out two.html
ok 'two runs have one' code_is 0
ok 'without gnuplot it says so' page_has two.html 'figures are not drawn'
ok 'and on stderr' err_has gnuplot
ok 'the command of the second names what is not usual' \
  page_has two.html 'pooling<.*average<.*--keep=last'
ok 'and no epoch is said to be chosen' page_has two.html 'last epoch, of 2: none was chosen'
ok 'nor said to flatter' test "$(grep -c 'was chosen by its loss' two.html)" = 1
ok 'their differences are told' page_has two.html 'Differences between the runs'
ok 'it is well formed, too' well_formed two.html

# What `leuko stress` has written elsewhere
plain stress a b cells --limit 2 --drawn 0 --out together
plain stress a cells --limit 2 --drawn 0 --out alone
plain report a b alone together --out stressed.html
ok 'corruptions of several models are shown beside their runs' \
  page_has stressed.html '<h3>a and b, as one</h3>'
ok 'with whose models they are' page_has stressed.html 'models of a and b answered as one'
ok 'those of one go to its run' test "$(grep -c 'Corrupted cells, in per cent' stressed.html)" = 2
ok 'and what has not been measured is named' \
  test "$(grep -c 'Not measured of it alone' stressed.html)" = 1
ok 'they are in the card' page_has stressed-MODELCARD.md '^# Corrupted cells: a and b, as one$'
ok 'the page is well formed, too' well_formed stressed.html
plain report a together --out stressed.html
ok 'a model that has no run there is counted' \
  page_has stressed.html '<h3>a and 1 model that is not on this page, as one</h3>'
run report together --out none.html
ok 'without a run it is refused' code_is 3
ok 'with what to do, too' err_has 'name the runs of its models'
cp -r a filled
cp together/stress.json filled/
plain report filled b --out stressed.html
ok 'that of several in the folder of one is found' \
  page_has stressed.html '<h3>filled and b, as one</h3>'

# What an earlier version left, or somebody removed.
cp -r a old
rm old/predictions.csv old/metrics.json old/history.csv
plain report old --out old.html
ok 'answers that are missing are made' page_has old.html 'made for this report'
ok 'what cannot be told is named' page_has old.html 'no history.csv'
mv cells elsewhere
plain report old --out none.html
ok 'without the cells that is refused' code_is 3
ok 'with what to do' err_has '--data'
ok 'and nothing is written' missing none.html
plain report a --out without.html
ok 'a run with its answers needs no cells' code_is 0
ok 'and says what it lacks' page_has without.html 'cells are not shown'
plain report old --data elsewhere --out there.html
ok 'cells that moved can be named' code_is 0
run report
ok 'no run is a wrong call' code_is 2
run report nowhere
ok 'a missing folder is named' err_has nowhere
ok 'with exit code 3' code_is 3
mkdir empty
run report empty --out empty.html
ok 'an empty one is refused' code_is 3
finish
