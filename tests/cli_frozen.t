#!/bin/bash
# `leuko train` of ResNet-50 on real weights: the head behind a frozen base, killed and resumed to
# the bits of a run that nothing disturbed; what learns and what does not when more is trained.
. "$ROOT/tests/resnet50.sh"

# The head alone. One thread: it is so small that several would only wait for each other.

head=("${resnet50[@]}" --size 64 --batch 16 --limit 96 --threads 1)
started=$(date +%s%N)
plain train "${head[@]}" --out whole --epochs 40
took=$((($(date +%s%N) - started) / 1000000))
ok 'a head is trained' code_is 0
ok 'the features are kept' test "$(ls cache/leuko/features | wc -l)" = 1
ok 'at four bytes a value' test "$(stat -c %s cache/leuko/features/*)" = $((4096 + 96 * 2048 * 4))
RANDOM=5
export XDG_CACHE_HOME="$work/other"
killed 3 $((took * 2 / 3)) "${head[@]}" --out stopped --epochs 40
ok 'a killed training goes on' test "$killed" -ge 1
plain train "${head[@]}" --out stopped --epochs 40 --resume
ok 'to its end' code_is 0
ok 'and to the same bits' equal_runs whole stopped
plain train "${head[@]}" --out longer --epochs 7
plain train "${head[@]}" --out longer --epochs 40 --resume
ok 'so does one that was asked for more epochs' equal_runs whole longer
plain train "${head[@]}" --out longer --epochs 40 --resume --features-dtype bf16
ok 'another type of features is another run' code_is 3
plain train "${head[@]}" --out half --epochs 2 --features-dtype bf16 --augment
ok 'features may be kept in half the space, of eight views' code_is 0
ok 'at two bytes a value' \
  test "$(find other/leuko/features -size -$((4096 + 8 * 96 * 2048 * 2 + 1))c \
    -size +$((4096 + 8 * 96 * 2048 * 2 - 1))c | wc -l)" = 1
ok 'the base is as it was' same_tensor whole/best.safetensors half/best.safetensors conv5_block3_3_conv/kernel
ok 'the head is not' other_tensor whole/best.safetensors half/best.safetensors logits/kernel
plain train "${head[@]}" --out jitter --epochs 1 --jitter 0.1
ok 'colours cannot change behind a frozen base' code_is 2
ok 'says leuko' err_has '--fine-tune'
ok 'before anything is made' missing jitter
plain train "${head[@]}" --out dropout --epochs 1 --dropout 0.3
ok 'another head is trained' code_is 0
ok 'on the same features' test "$(ls other/leuko/features | wc -l)" = 2
plain train "${head[@]}" --out narrow --epochs 1 --precision bf16
if test -d narrow; then
  ok 'a base in 16 bits has features of its own' test "$(ls other/leuko/features | wc -l)" = 3
else
  skip 1 'this processor has no 16 bits'
fi
plain train "${head[@]}" --out early --epochs 3 --stages 3 --dense 16 --normalize
ok 'a normalized head with a hidden layer is trained behind an earlier stage' code_is 0
plain train "${head[@]}" --out later --epochs 1 --stages 3 --dense 16 --normalize
plain train "${head[@]}" --out later --epochs 3 --stages 3 --dense 16 --normalize --resume
ok 'and goes on to the same bits' equal_runs early later
ok 'its statistics are kept' grep -qa features_bn/variance early/best.safetensors
rm -rf stopped longer half dropout early later

# The last stage, and all of it

few=("${resnet50[@]}" --threads 2 --size 32 --batch 8 --limit 16 --epochs 1 --warmup 2)
plain train "${few[@]}" --out stage --fine-tune last
ok 'the last stage is trained' code_is 0
for tensor in conv1_conv/kernel conv1_bn/mean conv4_block6_3_bn/gamma conv4_block6_3_bn/variance; do
  ok "$tensor keeps its values" same_tensor whole/best.safetensors stage/best.safetensors $tensor
done
for tensor in conv5_block1_0_conv/kernel conv5_block1_0_bn/mean conv5_block3_3_bn/gamma; do
  ok "$tensor learns" other_tensor whole/best.safetensors stage/best.safetensors $tensor
done
plain train "${few[@]}" --out all --fine-tune all
ok 'the whole network is trained' code_is 0
for tensor in conv1_conv/kernel conv1_bn/mean conv4_block6_3_bn/variance; do
  ok "$tensor learns" other_tensor whole/best.safetensors all/best.safetensors $tensor
done
plain train "${few[@]}" --out all --fine-tune all --resume --base-lr 0.001
ok 'another learning rate of the base is another run' code_is 3
ok 'and named' err_has base_lr
finish
