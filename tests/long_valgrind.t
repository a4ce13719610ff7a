#!/bin/bash
# In plain C, where valgrind follows every access: the kernels' own tests and a prediction.
. "$ROOT/tests/tap.sh"
export LEUKO_CPU=generic OMP_NUM_THREADS=2

# watched PROGRAM ARGUMENTS...: under valgrind; threads' own blocks, which OpenMP keeps, are no leak.
watched() {
  valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
    "$@" >out 2>err </dev/null
  code=$?
}

for name in infer_ops learn_ops winograd_bits; do
  watched "$ROOT/$BUILD/tests/test_$name"
  ok "test_$name" code_is 0
done
plain data synth cells --cells 48
plain train cells --size 48 --epochs 1 --out run
ok 'there is a model to ask' code_is 0
mapfile -t some < <(find cells -type f ! -name '*.txt' | LC_ALL=C sort | head -7)
watched "$LEUKO" predict --csv --batch 5 run "${some[@]}"
ok 'a prediction' code_is 0
ok 'with an answer for each cell' lines_are out 8
finish
