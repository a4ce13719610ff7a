#!/bin/sh
# Fuzzes the readers of weight files, each format for the given number of seconds:
#   sh tests/fuzz/run.sh SECONDS [h5|pth|safetensors ...]
# What is found is left in $BUILD/fuzz/ and ends it with code 1. New inputs go to $BUILD/fuzz/FORMAT.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:?usage: sh tests/fuzz/run.sh SECONDS [FORMAT ...]}
shift
[ $# -gt 0 ] || set -- h5 pth safetensors
out=${BUILD:-build}/fuzz
mkdir -p "$out"
clang -g -O1 -std=c17 -D_GNU_SOURCE -Iinclude -Isrc -fsanitize=fuzzer,address,undefined \
  -fno-sanitize-recover=undefined tests/fuzz/fuzz_weights.c src/weights/tensors.c \
  src/weights/hdf5.c src/weights/torch.c src/weights/pickle.c src/model/safetensors.c \
  src/base/error.c src/base/file.c -o "$out/fuzz_weights" -ljansson -lzip
for format in "$@"; do
  mkdir -p "$out/$format"
  echo "fuzzing $format for $seconds s"
  log=$out/$format.log
  # An input that takes over 5 s or 1 GB counts as a find.
  if "$out/fuzz_weights" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=65536 \
    -artifact_prefix="$out/$format-" "$out/$format" "tests/fuzz/corpus/$format" >"$log" 2>&1; then
    tail -1 "$log"
  else
    tail -40 "$log" >&2
    exit 1
  fi
done
