#!/bin/sh
# `make demo`: the paper's experiment in its quick form, from cells to figures and answers, in folder
# demo/. Started again, it goes on where it was interrupted; once finished, it starts over.
set -eu
cd "$(dirname "$0")/.."
. tools/experiment.sh

choose_data
if [ -e demo/finished ]; then
  echo "The last demo is finished: starting over (demo/quick is removed)."
  rm -rf demo/quick demo/finished
elif [ -d demo/quick ]; then
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
    "$leuko" data synth demo/drawing --cells 700
    mv demo/drawing demo/synthetic
  fi
fi
cat <<END

Three networks tell leukemic blasts (all) from healthy cells (hem): ResNet-50 and VGG16, whose
ImageNet weights must be at hand (else the CNN goes alone, and what is missing is named), and a CNN.
Each is trained twice on cells of
$data
split by image as in the paper, so that a patient's cells are on both sides, and by subject. To be
done within minutes it takes at most 700 cells; the whole experiment is 'make reproduce'.

END
"$leuko" reproduce "$data" --quick --out demo/quick

run=demo/quick/runs/cnn-paper-subject
echo
echo "== Answers of the CNN for single cells of patients that it has never seen"
echo
# Two cells of each class; paths with quotes are left to the CSV library.
awk -F, 'NR > 1 && $5 == "test" && !/"/ && !seen[$3]++ && taken[$4]++ < 2 { print $1 }' \
  $run/split.csv | sed "s|^|$data/|" | "$leuko" predict $run -
touch demo/finished
cat <<END

Yours to look at:
  demo/quick/report.html      the whole on one page: open it in a browser, or print it
  demo/quick/table1.csv       the paper's Table I beside the figures measured here
  demo/quick/figures/         curves as SVG and PNG, with the scripts that draw them
  demo/quick/runs/            each training: curves, ROC, confusion matrix, an answer for each cell
  $run/best.safetensors   a model:
    $leuko predict $run IMAGE ...
Research use only: no answer of leuko is a diagnosis.
END
