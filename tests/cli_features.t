#!/bin/bash
# `leuko features`: rows for NumPy and as CSV, what is refused, exit codes.
. "$ROOT/tests/tap.sh"

run data synth cells --cells 48 --seed 3
plain train cells --out run --size 32 --widths 8,8 --dense 16 --epochs 1 --threads 1
ok 'there is a model' code_is 0
good=($(find cells -name '*.png' | sort | head -5))
printf 'garbage' >bad.png

# An .npy file: its header (128 bytes), and the float32 values behind it.
shape_is() { # FILE ROWS WIDTH
  head -c 6 "$1" | grep -q NUMPY || return 1
  head -c 128 "$1" | grep -a -q "'descr': '<f4', 'fortran_order': False, 'shape': ($2, $3), }" &&
    [ "$(stat -c %s "$1")" = $((128 + 4 * $2 * $3)) ]
}
# The values of a row of an .npy file, as a CSV holds them.
row_of() { # FILE ROW WIDTH
  perl -e 'open F, "<:raw", $ARGV[0]; seek F, 128 + 4 * $ARGV[1] * $ARGV[2], 0;
    read F, my $bytes, 4 * $ARGV[2]; print join ",", map { sprintf "%.9g", $_ } unpack "f<*", $bytes' \
    "$@"
}

run features run "${good[@]}" --out f.npy
ok 'features of good files end with 0' code_is 0
ok 'one row a file, of what the last dense layer reads' shape_is f.npy 5 16
ok 'the rows are named beside them' test "$(head -1 f.csv)" = path,sha256
ok 'in their order' test "$(sed -n 2p f.csv)" = "${good[0]},$(hash_of "${good[0]}")"
ok 'each' lines_are f.csv 6
ok 'they are relu values' test "$(row_of f.npy 0 16 | tr , '\n' | grep -c '^-')" = 0
ok 'that differ' test "$(row_of f.npy 0 16)" != "$(row_of f.npy 1 16)"
ok 'nothing half-written is' nothing_half_written .

run features run/best.safetensors "${good[@]}" --out g.csv --json
ok 'as CSV' code_is 0
ok 'the result is JSON' json rows 5
ok 'with the width' json width 16
ok 'the header names the values' \
  test "$(head -1 g.csv)" = "path,sha256,$(printf 'f%d,' {0..14})f15"
ok 'the values are the same' test "$(sed -n 3p g.csv | cut -d, -f3-)" = "$(row_of f.npy 1 16)"
run features run "${good[@]}" --out h.csv --batch 2 --threads 1
ok 'other batches change no digit that counts' test \
  "$(sed -n 6p h.csv | cut -d, -f3 | cut -c1-5)" = "$(sed -n 6p g.csv | cut -d, -f3 | cut -c1-5)"
run features run cells --out all.npy
ok 'a folder stands for its images' shape_is all.npy 48 16
printf '%s\n' "${good[@]}" >list
"$LEUKO" features run - --out list.npy <list >out 2>err
ok 'and - for a list' shape_is list.npy 5 16

run features run "${good[0]}" bad.png missing.png "${good[1]}" --out mixed.npy --json
ok 'refused files end with 4' code_is 4
ok 'and have no row' shape_is mixed.npy 2 16
ok 'the others keep theirs' test "$(row_of mixed.npy 1 16 | cut -c1-5)" = "$(row_of f.npy 1 16 | cut -c1-5)"
ok 'the names are those of the rows' test "$(cut -d, -f1 mixed.csv | tr '\n' ' ')" = \
  "path ${good[0]} ${good[1]} "
ok 'the refused are named' err_has 'bad.png.*NOT_AN_IMAGE'
ok 'each' json refused.1.status NOT_FOUND
run features run bad.png --out none.npy
ok 'only refused ones end with 3' code_is 3
ok 'and leave nothing' missing none.npy
ok 'and no names' missing none.csv

for wrong in 'run' 'run cells' 'run cells --out f.txt' 'run cells --out .npy' '--out f.npy' \
  'run --out f.npy' 'run cells --out f.npy --preprocess paper' \
  '--model cnn cells --out f.npy' '--model vgg16 cells --out f.npy --preprocess best'; do
  run features $wrong
  ok "'$wrong' is a wrong call" code_is 2
done
run features nowhere "${good[0]}" --out n.npy
ok 'a missing model is refused' code_is 3
LEUKO_WEIGHTS=/nonexistent run features --model vgg16 "${good[0]}" --out n.npy
ok 'so are missing weights' code_is 3
ok 'and what to do is said' err_has 'weights pull'

if [ -n "${LEUKO_SHARED:-}" ]; then
  weights=(--weights "$LEUKO_SHARED/weights")
  run features --model resnet50 "${weights[@]}" --size 64 "${good[@]}" --out r.npy
  ok 'ResNet-50 as trained on ImageNet gives 2,048 values' shape_is r.npy 5 2048
  run features --model vgg16 "${weights[@]}" --size 64 "${good[@]}" --out v.npy
  ok 'VGG16 at 64 pixels 2x2x512' shape_is v.npy 5 2048
  run features --model vgg16 "${weights[@]}" --size 64 "${good[@]}" --preprocess paper --out p.npy
  ok 'with other preprocessing others' differ v.npy p.npy
  run features --model resnet50 --weights "$LEUKO_SHARED/weights/vgg16-torchvision-features.safetensors" \
    "${good[0]}" --out n.npy
  ok 'the weights of another network are refused' code_is 3
else
  skip 4 'LEUKO_SHARED is not set'
fi
finish
