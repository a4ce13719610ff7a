#!/bin/bash
# `leuko train` of ResNet-50 on real weights: the head behind a frozen base, the last stage, all;
# killed and resumed, each ends with the bits of a run that nothing disturbed.
. "$ROOT/tests/tap.sh"

weights=${LEUKO_WEIGHTS:-${LEUKO_SHARED:+$LEUKO_SHARED/weights}}
if [ -z "$weights" ] || ! ls "$weights"/*resnet50* >/dev/null 2>&1; then
  skip 1 "no weights of ResNet-50: LEUKO_WEIGHTS is not set"
  finish
  exit
fi
resnet50=(--model resnet50 --weights "$weights" --size 64 --batch 16 --threads 2)

run data synth cells --cells 96 --seed 4
ok 'cells are drawn' code_is 0

# FILE TENSOR: the hash of a tensor's bytes in a safetensors file.
tensor() {
  perl -MJSON::PP -e '
    open F, "<:raw", $ARGV[0] or exit 1; read F, my $length, 8; $length = unpack "Q<", $length;
    read F, my $header, $length; my $at = decode_json($header)->{$ARGV[1]}{data_offsets} or exit 1;
    seek F, 8 + $length + $at->[0], 0; read F, my $bytes, $at->[1] - $at->[0]; print $bytes' \
    "$1" "$2" | sha256sum | cut -c1-64
}
same_tensor() { [ "$(tensor "$1" "$3")" = "$(tensor "$2" "$3")" ]; }
other_tensor() { [ "$(tensor "$1" "$3")" != "$(tensor "$2" "$3")" ]; }

# equal_runs A B: the same models and scores.
equal_runs() {
  same_file "$1/best.safetensors" "$2/best.safetensors" &&
    same_file "$1/last.safetensors" "$2/last.safetensors" &&
    same_file <(cut -d, -f1-6 "$1/history.csv") <(cut -d, -f1-6 "$2/history.csv")
}

# killed KILLS MILLISECONDS ARGUMENTS...: starts a training so often and kills it within that time
# each. RANDOM draws the moments.
killed=0
killed() {
  local kills=$1 most=$2 k wait_ms trained
  shift 2
  killed=0
  for ((k = 0; k < kills; k++)); do
    PATH=/nonexistent "$LEUKO" train "$@" --resume >out 2>err </dev/null &
    trained=$!
    wait_ms=$((most * RANDOM / 32768 + 20))
    sleep "$((wait_ms / 1000)).$(printf %03d $((wait_ms % 1000)))"
    kill -KILL "$trained" 2>/dev/null
    wait "$trained" 2>/dev/null
    code=$?
    [ "$code" = 137 ] && killed=$((killed + 1))
    echo "# kill $((k + 1)) after $wait_ms ms: exit code $code"
  done
}

# The head alone

head=(cells "${resnet50[@]}" --limit 96)
started=$(date +%s%N)
plain train "${head[@]}" --out whole --epochs 60
took=$((($(date +%s%N) - started) / 1000000))
ok 'a head is trained' code_is 0
ok 'the features are kept' test "$(ls cache/leuko/features | wc -l)" = 1
ok 'at four bytes a value' test "$(stat -c %s cache/leuko/features/*)" = $((4096 + 96 * 2048 * 4))
RANDOM=5
export XDG_CACHE_HOME="$work/other"
killed 5 $((took * 2 / 3)) "${head[@]}" --out stopped --epochs 60
ok 'a killed training goes on' test "$killed" -ge 1
plain train "${head[@]}" --out stopped --epochs 60 --resume
ok 'to its end' code_is 0
ok 'and to the same bits' equal_runs whole stopped
plain train "${head[@]}" --out longer --epochs 7
plain train "${head[@]}" --out longer --epochs 60 --resume
ok 'so does one that was asked for more epochs' equal_runs whole longer
plain train "${head[@]}" --out longer --epochs 60 --resume --features-dtype bf16
ok 'another type of features is another run' code_is 3
plain train "${head[@]}" --out half --epochs 2 --features-dtype bf16 --augment
ok 'features may be kept in half the space, of eight views' code_is 0
ok 'at two bytes a value' \
  test "$(find other/leuko/features -size -$((4096 + 8 * 96 * 2048 * 2 + 1))c \
    -size +$((4096 + 8 * 96 * 2048 * 2 - 1))c | wc -l)" = 1
ok 'the base is as it was' same_tensor whole/best.safetensors half/best.safetensors conv5_block3_3_conv/kernel
ok 'the head is not' other_tensor whole/best.safetensors half/best.safetensors logits/kernel
plain train "${head[@]}" --out dropout --epochs 1 --dropout 0.3
ok 'another head is trained' code_is 0
ok 'on the same features' test "$(ls other/leuko/features | wc -l)" = 2
rm -rf stopped longer half dropout

# The last stage

few=(cells "${resnet50[@]}" --limit 48)
plain train "${few[@]}" --out stage --epochs 1 --fine-tune last --warmup 2
ok 'the last stage is trained' code_is 0
for tensor in conv1_conv/kernel conv1_bn/mean conv4_block6_3_bn/gamma conv4_block6_3_bn/variance; do
  ok "$tensor keeps its values" same_tensor whole/best.safetensors stage/best.safetensors $tensor
done
for tensor in conv5_block1_0_conv/kernel conv5_block1_0_bn/mean conv5_block3_3_bn/gamma; do
  ok "$tensor learns" other_tensor whole/best.safetensors stage/best.safetensors $tensor
done
rm -rf stage

# All of it

all=("${few[@]}" --fine-tune all --warmup 2)
started=$(date +%s%N)
plain train "${all[@]}" --out whole2 --epochs 2
took=$((($(date +%s%N) - started) / 1000000))
ok 'the whole network is trained' code_is 0
for tensor in conv1_conv/kernel conv1_bn/mean conv4_block6_3_bn/variance; do
  ok "$tensor learns" other_tensor whole/best.safetensors whole2/best.safetensors $tensor
done
plain train "${all[@]}" --out two --epochs 1
ok 'one epoch' code_is 0
killed 2 $((took / 2)) "${all[@]}" --out two --epochs 2
plain train "${all[@]}" --out two --epochs 2 --resume
ok 'and the next, after kills' code_is 0
ok 'are two' equal_runs whole2 two
plain train "${all[@]}" --out two --epochs 2 --resume --base-lr 0.001
ok 'another learning rate of the base is another run' code_is 3
ok 'and named' err_has base_lr
finish
