#!/bin/sh
# Trains the two models that come with the program, and measures them on persons that they have not
# seen:
#   bench/box_model.sh DIR WEIGHTS OUT
# DIR: C-NMC's cells; WEIGHTS: Keras's ResNet-50; OUT: the folder to write. OUT/resnet50 and OUT/cnn
# are cross-validations; OUT/leuko.safetensors and OUT/leuko-cnn.safetensors their models, trained on
# all cells; OUT/together has the answers of both as one; OUT/report.html shows the three.
# LEUKO=... another program than build/leuko.
set -eu
leuko=${LEUKO:-build/leuko}
[ $# -eq 3 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$3"
"$leuko" train "$1" --folds 5 --refit --keep last --model resnet50 --weights "$2" --stages 3 \
  --crop 300 --size 150 --normalize --dense 48 --dropout 0.1 --schedule cosine --epochs 20 \
  --augment --features-dtype bf16 --out "$3/resnet50"
"$leuko" train "$1" --folds 5 --refit --keep last --model cnn --crop 300 --dense 128 \
  --dropout 0.5 --schedule cosine --epochs 15 --augment --out "$3/cnn"
"$leuko" shrink "$3/resnet50/all" -o "$3/leuko.safetensors"
"$leuko" shrink "$3/cnn/all" -o "$3/leuko-cnn.safetensors"
"$(dirname "$0")/ensemble.py" "$3/together" "$3/resnet50" "$3/cnn"
"$leuko" compare "$3/together" "$3/resnet50" "$3/cnn"
for run in resnet50 cnn; do
  "$leuko" stress "$3/$run" "$1" --limit 200 --drawn 20
done
"$leuko" stress "$3/resnet50" "$3/cnn" "$1" --limit 200 --drawn 20 --out "$3/together"
"$leuko" report "$3/resnet50" "$3/cnn" "$3/together" --out "$3/report.html"
