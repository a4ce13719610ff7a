#!/bin/bash
# Readying a model for 8 bits: what is refused, and that nothing is written then. That it works is
# test_int8's.
. "$(dirname "$0")/tap.sh"

plain data synth cells --cells 60
plain train cells --size 64 --epochs 1 --out run
ok 'there is a model to ask' test -f run/best.safetensors
before=$(hash_of run/best.safetensors)

run predict --precision int8 run cells
ok 'a model without ranges refuses 8 bits' code_is 2
ok 'and says what to do' err_has 'leuko quantize'
run bench --model cnn --precision int8
ok 'so does a network by name' code_is 2

LEUKO_CPU=generic run quantize run cells -o small.safetensors
ok 'without the instructions there is nothing to compare' code_is 1
ok 'which is said' err_has VNNI
ok 'before the cells are read' test -z "$(grep reading err)"
ok 'and nothing is written' missing small.safetensors
LEUKO_CPU=generic run quantize run nowhere -o small.safetensors
ok 'a folder that is not there is refused before' code_is 3
run quantize run cells -o small.safetensors
if err_has VNNI; then
  skip 3 'this processor has no kernels for 8 bits'
elif [ "$code" = 0 ]; then # where bytes are faster than Winograd's algorithm
  ok 'a network of 3x3 convolutions is readied' out_has 'answers are the same'
  ok 'with how fast it is' out_has 'speed: '
  run info small.safetensors
  ok 'and its self-check passes' code_is 0
else
  ok 'a network of 3x3 convolutions gains nothing' code_is 3
  ok 'and is told what is faster' err_has bf16
  ok 'and nothing is written' missing small.safetensors
fi
run quantize run cells
ok 'without -o it is a wrong call' code_is 2
run quantize run -o small.safetensors
ok 'so it is without cells' code_is 2
run quantize run nowhere -o small.safetensors
ok 'a folder that is not there is refused' code_is 3
run quantize nowhere cells -o small.safetensors
ok 'so is a model' code_is 3
run train cells --precision int8 --out other
ok 'nothing trains in 8 bits' code_is 2
ok 'the model is as it was' test "$(hash_of run/best.safetensors)" = "$before"
finish
