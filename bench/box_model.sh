#!/bin/sh
# Trains the two networks that come with the program, and measures them on persons that they have
# not seen:
#   bench/box_model.sh DIR WEIGHTS OUT
# DIR: C-NMC's cells; WEIGHTS: Keras's ResNet-50; OUT: the folder to write. OUT/resnet50 and OUT/cnn
# are cross-validations, with a report on each; OUT/leuko.safetensors and OUT/leuko-cnn.safetensors
# are what models/ holds, trained on all cells; OUT/together is how they answer as one.
# LEUKO=... another program than build/leuko.
set -eu
leuko=${LEUKO:-build/leuko}
[ $# -eq 3 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(dirname "$0")
"$leuko" train "$1" --folds 5 --refit --keep last --model resnet50 --weights "$2" --stages 3 \
  --crop 300 --size 150 --normalize --dense 48 --dropout 0.1 --schedule cosine --epochs 20 \
  --augment --features-dtype bf16 --out "$3/resnet50"
"$leuko" train "$1" --folds 5 --refit --keep last --model cnn --pooling average --crop 300 \
  --augment --dropout 0.5 --schedule cosine --epochs 15 --out "$3/cnn"
"$leuko" shrink "$3/resnet50/all" -o "$3/leuko.safetensors"
"$leuko" shrink "$3/cnn/all" -o "$3/leuko-cnn.safetensors"
python3 "$here/ensemble.py" "$3/together" "$3/resnet50" "$3/cnn"
"$leuko" compare "$3/together" "$3/resnet50" "$3/cnn"
for network in resnet50 cnn; do
  "$leuko" stress "$3/$network" "$1" --limit 200 --drawn 20
  "$leuko" report "$3/$network" --out "$3/$network/report.html"
done
