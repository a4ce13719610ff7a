#!/bin/bash
# How long `leuko predict` takes for one file, from start to answer, as a whole process.
#
#   bench/latency.sh MODEL IMAGE [RUNS]
set -eu
leuko=${LEUKO:-build/leuko}
[ $# -ge 2 ] || { echo "usage: bench/latency.sh MODEL IMAGE [RUNS]" >&2; exit 2; }
runs=${3:-21}
"$leuko" predict "$1" "$2" >/dev/null
for ((i = 0; i < runs; i++)); do
  start=$(date +%s%N)
  "$leuko" predict "$1" "$2" >/dev/null
  echo $((($(date +%s%N) - start) / 1000))
done | sort -n | awk '{ t[NR] = $1 / 1000 }
  END { printf "%d runs: minimum %.0f ms, median %.0f ms, maximum %.0f ms\n",
               NR, t[1], t[int((NR + 1) / 2)], t[NR] }'
