# What the tests of training ResNet-50 on real weights share: options, drawn cells in the folder
# `cells`, looks into tensors, kills. Without the weights it skips all and ends the script.
. "$ROOT/tests/tap.sh"

weights=${LEUKO_WEIGHTS:-${LEUKO_SHARED:+$LEUKO_SHARED/weights}}
if [ -z "$weights" ] || ! ls "$weights"/*resnet50* >/dev/null 2>&1; then
  skip 1 "no weights of ResNet-50: LEUKO_WEIGHTS is not set"
  finish
  exit
fi
resnet50=(cells --model resnet50 --weights "$weights")

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
