#!/bin/sh
# How answers in bfloat16, in 8 bits (of a model that is quantized), and with the black background
# skipped, differ from those in float32 where everything is computed:
#   bench/precision.sh RUN|MODEL.safetensors DIR ...
# LEUKO=... another program than build/leuko.
set -eu
leuko=${LEUKO:-build/leuko}
[ $# -ge 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
model=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

answer() { # NAME OPTIONS...: p of every cell, one a line
  name=$1
  shift
  "$leuko" predict "$@" --no-reject --csv "$model" $cells >"$work/$name.csv"
}
cells=$*
answer exact --precision f32 --no-skip
answer f32 --precision f32
names=f32
for precision in bf16 int8; do # where processor and model have them
  if answer $precision --precision $precision 2>"$work/none"; then names="$names $precision"; fi
done
echo "| $(basename "$model") | cells | largest difference of p | median | same answer |"
echo "|---|---|---|---|---|"
for name in $names; do
  # The last six fields are p, label, status, p_raw, reason and distance, whatever commas a path
  # may hold.
  paste -d, "$work/exact.csv" "$work/$name.csv" | awk -F, -v name=$name '
    NR > 1 && $(NF - 3) == "OK" {
      half = NF / 2
      d = $(NF - 5) - $(half - 5)
      print (d < 0 ? -d : d), ($(NF - 4) == $(half - 4))
    }' | sort -g | awk -v name=$name '
    { d[NR] = $1; same += $2 }
    END {
      middle = NR % 2 ? d[(NR + 1) / 2] : (d[NR / 2] + d[NR / 2 + 1]) / 2
      printf "| %s, skipped | %d | %.6f | %.6f | %.2f %% |\n", name, NR, d[NR], middle, 100 * same / NR
    }'
done
