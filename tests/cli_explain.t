#!/bin/bash
# `leuko explain`: files, checks, what is refused, and exit codes.
. "$ROOT/tests/tap.sh"

run data synth cells --cells 48 --seed 3
plain train cells --out run --size 32 --widths 8,8 --dense 16 --epochs 2 --threads 1 --crop 300
ok 'there is a model' code_is 0
good=($(find cells -name '*.png' | sort | head -3))
head -c 3000 "${good[0]}" >truncated.png
echo 'this is a text' >garbage.png

run explain run "${good[@]}" --out maps
ok 'good files end with 0' code_is 0
ok 'an overlay and a map each, and a page' test "$(ls maps | wc -l)" = 7
ok 'the table names the layer of answers' out_has '^p(all)'
ok 'one sentence on random weights' out_has '^Grad-CAM: with random weights'
ok 'and one on the cell' out_has '^Grad-CAM: .* % of what speaks for the answers lies on the cell'
stem=$(basename "${good[0]}" .png)
ok 'the overlay is a PNG' test "$(head -c 4 "maps/0001-$stem.png" | tail -c 3)" = PNG
ok 'the map has its header' \
  test "$(head -1 "maps/0001-$stem.gradcam.csv")" = row,column,x,y,value
ok 'and a row a place: 13 x 13' lines_are "maps/0001-$stem.gradcam.csv" 170
ok 'the page shows the overlay' grep -q "src=\"0001-$stem.png\"" maps/index.html
ok 'nothing half-written' nothing_half_written maps
cp -r maps first
run explain run "${good[@]}" --out maps
ok 'the same call gives the same files' diff -r first maps

run explain run "${good[0]}" truncated.png garbage.png missing.png "${good[1]}" --json \
  --method gradcam++,gradients,occlusion --out all
ok 'some refused files end with 4' code_is 4
ok 'every input has its answer' json pictures 5
ok 'the good ones theirs' json pictures.0.status OK
ok 'the good ones theirs' json pictures.4.status OK
ok 'a cut one is refused' json pictures.1.status CORRUPT_IMAGE
ok 'so is a text' json pictures.2.status NOT_AN_IMAGE
ok 'and what is not there' json pictures.3.status NOT_FOUND
ok 'and named' err_has 'garbage.png.*NOT_AN_IMAGE'
ok 'on the page, too' grep -q 'garbage.png' all/index.html
ok 'three methods' test "$(value pictures.0.maps)" = 'gradcam++,gradients,occlusion'
ok 'each with its file' test -s "all/$(value pictures.4.maps.occlusion.file)"
ok 'the share on the cell is one' test "$(value pictures.0.maps.occlusion.on_cell | cut -c1)" = 0
ok 'integrated gradients are complete within 5 %' \
  test "$(value pictures.0.maps.gradients.completeness_error | cut -c1-4)" '<' 0.05
ok 'the layer is named' json layer conv2_relu
ok 'four stages get random weights' json checks.occlusion.random_weights.stages 4
ok 'from the output on' json checks.occlusion.random_weights.stages.0.random_up_to logits
ok 'with a sentence' test -n "$(value checks.occlusion.random_weights.words)"
p=$(value pictures.0.p)
run predict run "${good[0]}" --json --precision f32
ok 'the answer is that of predict' test "$(value 0.p | cut -c1-7)" = "$(echo "$p" | cut -c1-7)"

# Several models as one
plain train cells --out second --size 32 --widths 8,8 --dense 16 --epochs 2 --threads 1 --crop 300 \
  --seed 5
methods='gradcam,occlusion,gradients'
run explain --model run --model second "${good[0]}" --out both --method "$methods" --draws 4 --json
ok 'several models are explained as one' code_is 0
ok 'two' json models 2
ok 'draws are divided among them' json checks.gradcam.random_weights.draws 4
ok 'integrated gradients are complete for the mean, too' \
  test "$(value pictures.0.maps.gradients.completeness_error | cut -c1-4)" '<' 0.05
p=$(value pictures.0.p)
label=$(value pictures.0.label)
run predict --model run --model second "${good[0]}" --json --precision f32
ok 'the answer is that of predict' test "$(value 0.p | cut -c1-6)" = "$(echo "$p" | cut -c1-6)"
for model in run second; do
  run explain $model "${good[0]}" --out of-$model --method "$methods" --draws 0 --json
  labels="${labels-} $(value pictures.0.label)"
  run info $model --json
  temperatures="${temperatures-} $(value temperature)"
done
# Each map's values: a mean of theirs by the temperatures, with the sign of the common answer.
mean_of() {
  paste -d, {of-run,of-second,both}/0001-"$stem.$1.csv" | tail -n +2 |
    perl -F, -ane '
      BEGIN { ($label, $l1, $l2, $t1, $t2) = @ARGV; @ARGV = () }
      my @signs = map { $_ eq $label ? 1 : -1 } $l1, $l2;
      my $mean = ($signs[0] * $F[4] / $t1 + $signs[1] * $F[9] / $t2) / 2;
      my $most = abs($F[14]) > 1 ? abs $F[14] : 1;
      exit 1 if abs($mean - $F[14]) > 1e-4 * $most' "$label" $labels $temperatures
}
ok 'the map of gradients is the mean of theirs' mean_of gradients
ok 'so is that of occlusion' mean_of occlusion
plain train cells --out cv --size 32 --widths 8,8 --dense 16 --epochs 1 --threads 1 --folds 2
run explain cv "${good[0]}" --out folds --draws 0 --json
ok 'a cross-validation is its folds' json models 2
plain train cells --out larger --size 48 --widths 8,8 --dense 16 --epochs 1 --threads 1 --crop 300
run explain --model run --model larger "${good[0]}" --out none2
ok 'models that see pictures differently are refused' code_is 3
ok 'with what to do' err_has 'one by one'
ok 'and nothing is written' missing none2

run explain run "${good[0]}" --out unchecked --draws 0
ok 'without draws nothing is checked' out_has 'not compared with random weights'

run explain run garbage.png --out none
ok 'nothing but refused files ends with 3' code_is 3
ok 'and says that nothing was checked' out_has 'not compared with random weights'
run explain run cells/*/*.png --out /proc/nowhere
ok 'a folder that cannot be made is an error' test "$code" != 0
run explain garbage.safetensors "${good[0]}" --out none
ok 'a model that is not there ends with 3' code_is 3
for wrong in 'explain' 'explain run' "explain run ${good[0]}" 'explain run x --out o --method x' \
  'explain run x --out o --method gradcam,gradcam' 'explain run x --out o --method gradcam,' \
  'explain run x --out o --threads 0' 'explain run x --out o --draws -1'; do
  run $wrong
  ok "leuko $wrong is a wrong call" code_is 2
done
run explain --help
ok '--help has an example' out_has 'leuko explain runs/cnn'
finish
