#!/bin/sh
# The whole command: seconds an epoch of `leuko train` and of Keras on the same split CSV, with
# validation and, in leuko, decoded images and checkpoints; epochs after the first.
#   bench/peers/train_command.sh DATA [EPOCHS] [OUT.md]
# DATA holds the cells (a C-NMC tree). The two take turns, twice, 5 epochs each by default.
# LEUKO names another program, THREADS another number of threads (2), SPLIT a split CSV.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
data=${1:?usage: train_command.sh DATA [EPOCHS] [OUT.md]}
epochs=${2:-5}
out=${3:-$root/build/train_command.md}
threads=${THREADS:-2}
if [ -z "${LEUKO:-}" ]; then
  make -C "$root" build >&2
  LEUKO=$root/build/leuko
fi
python=$(sh "$here/venv.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "${SPLIT:-}" ]; then
  cp "$SPLIT" "$work/split.csv"
else
  "$LEUKO" data split "$data" --by image --ratio 60:40 --seed 1 -o "$work/split.csv" >&2
fi
for round in 1 2; do
  "$LEUKO" train "$data" --model cnn --split "$work/split.csv" --allow-leak --epochs "$epochs" \
    --batch 32 --seed "$round" --threads "$threads" --out "$work/leuko$round" >&2
  "$python" "$here/keras_cnn.py" --data "$data" --split "$work/split.csv" --epochs "$epochs" \
    --batch 32 --seed "$round" --threads "$threads" --cache "$work" --out "$work/keras$round" >&2
done
"$python" - "$work" "$out" "$epochs" "$threads" <<'PYTHON'
import csv, statistics, sys
work, out, epochs, threads = sys.argv[1:]
rows = {}
for name in ("leuko", "keras"):
    rows[name] = []
    for number in (1, 2):
        with open(f"{work}/{name}{number}/history.csv", newline="") as file:
            rows[name] += [float(row["seconds"]) for row in csv.DictReader(file)][1:]
medians = {name: statistics.median(values) for name, values in rows.items()}
with open(f"{work}/split.csv", newline="") as file:
    parts = [row["part"] for row in csv.DictReader(file)]
lines = [
    f"{parts.count('train')} cells to train on, {parts.count('test')} to validate on, batch 32, "
    f"{threads} threads; {2 * (int(epochs) - 1)} epochs each, the first of each run left out.",
    "",
    "| | seconds an epoch | range |",
    "|---|---|---|",
]
for name, label in (("leuko", "`leuko train`"), ("keras", "Keras")):
    lines.append(f"| {label} | {medians[name]:.1f} | {min(rows[name]):.1f}-{max(rows[name]):.1f} |")
lines += ["", f"leuko is {medians['keras'] / medians['leuko']:.2f} times as fast.", ""]
text = "\n".join(lines)
print(text)
with open(out, "w") as file:
    file.write(text)
PYTHON
