#!/bin/sh
# Trains the model that comes with the program, and measures it on persons that it has not seen:
#   bench/box_model.sh DIR WEIGHTS OUT
# DIR: C-NMC's cells; WEIGHTS: Keras's ResNet-50; OUT: the folder to write, a cross-validation whose
# OUT/all/best.safetensors is the model, trained on all cells, and OUT/report.html on its scores.
# LEUKO=... another program than build/leuko.
set -eu
leuko=${LEUKO:-build/leuko}
[ $# -eq 3 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
"$leuko" train "$1" --folds 5 --refit --keep last --model resnet50 --weights "$2" --stages 3 \
  --crop 300 --size 150 --normalize --dense 48 --dropout 0.1 --schedule cosine --epochs 20 \
  --augment --features-dtype bf16 --out "$3"
"$leuko" stress "$3" "$1" --limit 200 --drawn 20
"$leuko" report "$3" --out "$3/report.html"
