#!/bin/sh
# `make reproduce`: the paper's three networks on all cells, 35 epochs, split by image and by
# subject, in folder runs/. Started again it goes on where it stopped; what is finished is not
# trained again. SEED=N takes another seed for everything (default 1).
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
exec "$leuko" reproduce "$data" --models resnet50,vgg16,cnn --seed "$seed" --out "runs/seed-$seed"
