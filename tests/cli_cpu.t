#!/bin/bash
# Fewer of the processor's instructions than there are: the same answers from other kernels.
. "$(dirname "$0")/tap.sh"

plain data synth cells --cells 48
plain train cells --size 64 --epochs 1 --out run
ok 'there is a model to ask' test -f run/best.safetensors
run predict --precision f32 --csv run cells
cp out all.csv

# The answers of the last call and those before, no p further apart than 1e-4. The fields are path,
# sha256, p and others.
near() {
  paste -d, all.csv out | awk -F, '
    NR > 1 { n++; d = $3 - $(NF / 2 + 3); if (d < -1e-4 || d > 1e-4) bad = 1 }
    END { exit bad || n != 48 }'
}
# PATTERN: that of every layer of the last bench that has one of its own
implementations_are() {
  awk -v name="$1" '/conv2d|dense |maxpool/ { n++; if ($3 !~ name) bad = 1 } END { exit bad || n < 3 }' out
}

for level in generic avx2 avx512; do
  export LEUKO_CPU=$level
  run predict --precision f32 --csv run cells
  ok "$level: the same answers" near
done
bench=(bench --model run/best.safetensors --seconds 0.1 --batch 1 --layers --precision bf16)
LEUKO_CPU=generic run "${bench[@]}"
ok 'generic: nothing but plain C' implementations_are ':generic$'
LEUKO_CPU=avx2 run "${bench[@]}"
ok 'avx2: nothing with AVX-512' out_lacks avx512
ok 'avx2: kernels of its own' implementations_are ':avx2(_int16)?$'
ok 'avx2: 16 bits are whole numbers' out_has 'winograd_4x4.*:avx2_int16'
LEUKO_CPU=avx2 run bench --model cnn --train --seconds 0.1 --batch 1 --layers
ok 'avx2: kernels of its own in training' out_has 'conv4 .*winograd_4x4[+]pool:avx2 '
LEUKO_CPU=avx512 run "${bench[@]}"
ok 'avx512: nothing in bfloat16' out_lacks _bf16
LEUKO_CPU=avx512_vnni run "${bench[@]}"
if grep -q avx512_vnni /proc/cpuinfo; then
  ok 'avx512_vnni: 16 bits are whole numbers' out_has 'winograd_4x4.*:avx512_int16'
else
  skip 1 'this processor has no AVX512-VNNI'
fi
# The full-size network in plain C takes minutes where every lane is watched.
levels=(generic avx2)
case "$BUILD" in *sanitize*) levels=(avx2) ;; esac
for level in "${levels[@]}"; do
  LEUKO_CPU=$level "$ROOT/$BUILD/tests/test_cnn_oracle" >out 2>err
  code=$?
  ok "$level: the network as in PyTorch" code_is 0
done
LEUKO_CPU=486 run predict run cells
ok 'a level that there is not is a wrong call' code_is 2
ok 'and is named' err_has LEUKO_CPU
finish
