#!/bin/sh
# `make demo`: a small experiment from cells to figures and answers, in folder demo/. Started again,
# it goes on where it was interrupted; once finished, it starts over.
set -eu
cd "$(dirname "$0")/.."
. tools/experiment.sh
limit=2400
epochs=10

choose_data
if [ -e demo/finished ]; then
  echo "The last demo is finished: starting over (demo/subject and demo/image are removed)."
  rm -rf demo/subject demo/image demo/finished
elif [ -d demo/subject ]; then
  echo "Going on with the demo that was interrupted (remove demo/ to start over)."
fi
mkdir -p demo
if [ -z "$data" ]; then
  data=demo/synthetic
  cat <<END
There are no real cells here, so leuko draws some: what follows shows how everything works and says
NOTHING about leukemia. The real ones: $source_of_data
Unpack them into data/C-NMC_Leukemia, or name their folder: make demo LEUKO_DATA=DIR
END
  if [ ! -d demo/synthetic ]; then
    rm -rf demo/drawing
    "$leuko" data synth demo/drawing --cells 1200
    mv demo/drawing demo/synthetic
  fi
fi
cat <<END

A CNN tells leukemic blasts (all) from healthy cells (hem), trained twice on cells of
$data
To be done within minutes it takes at most $limit cells, spread over classes and patients, and
$epochs epochs. The whole experiment, all cells and 35 epochs, is 'make reproduce'.
END
train_both demo --limit "$limit" --epochs "$epochs"
print_gap demo
echo "On so few cells a gap of some 0.03 in either direction may be chance; 'make reproduce' takes all."
echo
echo "== 3. Answers for single cells that the first model has never seen"
echo
# Two cells of each class from patients tested; paths with quotes are left to the CSV library.
awk -F, 'NR > 1 && $5 == "test" && !/"/ && !seen[$3]++ && taken[$4]++ < 2 { print $1 }' \
  demo/subject/split.csv | sed "s|^|$data/|" | "$leuko" predict demo/subject -
touch demo/finished
cat <<END

Yours to look at:
  demo/subject/figures/, demo/image/figures/   curves, ROC, confusion matrix as SVG and PNG
  demo/subject/predictions.csv                 an answer for each cell tested
  demo/subject/best.safetensors                the model:
    $leuko predict demo/subject IMAGE ...
    $leuko info demo/subject
Research use only: no answer of leuko is a diagnosis.
END
