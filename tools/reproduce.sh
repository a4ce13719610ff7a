#!/bin/sh
# `make reproduce`: the paper's CNN on all cells, 35 epochs, split by subject and by image, in folder
# runs/. Started again it goes on where it stopped; what is finished is not trained again. SEED=N
# takes another seed for everything (default 1).
set -eu
cd "$(dirname "$0")/.."
. tools/experiment.sh
seed=${SEED:-1}

choose_data
[ -n "$data" ] || {
  echo "There are no cells to reproduce it on: $source_of_data" >&2
  echo "Unpack them into data/C-NMC_Leukemia, or: make reproduce LEUKO_DATA=DIR" >&2
  exit 3
}
out=runs/seed-$seed
mkdir -p "$out"
echo "The CNN on all cells of $data, 35 epochs, seed $seed, into $out/"
train_both "$out" --epochs 35 --seed "$seed"
print_gap "$out"
echo
echo "Curves, ROC and confusion matrices are in $out/subject/figures/ and $out/image/figures/"
