#!/bin/bash
# The commands `leuko weights list|pull|import|show`: what they print, where, and their exit codes.
. "$ROOT/tests/tap.sh"
export no_proxy=127.0.0.1
unset LEUKO_WEIGHTS
seeds="$ROOT/tests/fuzz/corpus"

# Help and wrong calls

run weights --help
ok 'weights --help explains' out_has 'pull'
for command in list pull import show; do
  run weights $command --help
  ok "weights $command --help explains" out_has 'Usage'
done
run weights
ok 'no command is a wrong call' code_is 2
run weights nonsense
ok 'so is an unknown one' code_is 2
for command in pull import show; do
  run weights $command
  ok "so is $command without an argument" code_is 2
done
run weights list everything
ok 'so is a list of something' code_is 2

# List

run weights list
ok 'the list names the files' out_has 'keras-resnet50-older'
ok 'and what is missing' out_has 'vgg16 has no weights yet: leuko weights pull vgg16'
ok 'and ends with 0' code_is 0
run weights list --json
ok 'as JSON with their sizes' json 0.bytes 58889256
ok 'and places' json 0.path null
ok 'no file is made by looking' [ -z "$(ls cache/leuko/weights)" ]

# Pull

run weights pull vgg17
ok 'an unknown name is a wrong call' code_is 2
ok 'that says where names are' err_has 'leuko weights list'
run weights pull vgg16 --mirror http://127.0.0.1:9
ok 'so is a mirror without https' code_is 2
run weights pull vgg16 --mirror https://127.0.0.1:9 --dir files
ok 'a server that is not there fails' code_is 1
ok 'and is named' err_has 'https://127.0.0.1:9/vgg16_weights'
ok 'with what can be done' err_has 'leuko weights import FILE'
ok 'and leaves nothing' [ -z "$(ls files)" ]

# Show and import

run weights show none.h5
ok 'a missing file is refused' code_is 3
for seed in pth/system.pth:posix.system pth/eval.pth:__builtin__.eval pth/tar.pth:tar \
  h5/truncated.h5:truncated h5/latest.h5:later safetensors/huge.safetensors:shape \
  safetensors/header.safetensors:header h5/compact.h5:'no known layout' \
  safetensors/good.safetensors:'3 x 3 x 2\|4 x 2 x 3 x 3'; do
  file=$seeds/${seed%%:*}
  for command in show import; do
    run weights $command "$file"
    ok "$command refuses ${seed%%:*}" code_is 3
    ok 'by name' err_has "$file"
    ok 'with the reason' err_has "${seed#*:}"
    ok 'and a remedy' err_has '->'
  done
done
ok 'nothing of a pickle was run' missing /tmp/leuko-pickle-was-run
ok 'and nothing was imported' [ -z "$(ls cache/leuko/weights 2>/dev/null)" ]

# Real files

if [ -n "${LEUKO_SHARED:-}" ]; then
  run weights show --json "$LEUKO_SHARED"/weights/resnet50*.h5
  ok 'the older ResNet-50 is known' json name keras-resnet50-older
  ok 'with its epsilon' json epsilon 0.001
  ok 'and its order of colours' json preprocessing.bgr 1
  run weights import "$LEUKO_SHARED/weights/vgg16-torchvision-features.safetensors"
  ok 'VGG16 is imported' code_is 0
  run weights list
  ok 'and found' out_has "vgg16 uses $work/cache/leuko/weights/torchvision-vgg16-c679942c.safetensors"
  export LEUKO_WEIGHTS="$LEUKO_SHARED/weights"
  run weights list
  ok 'what LEUKO_WEIGHTS names comes first' out_has "vgg16 uses $LEUKO_WEIGHTS"
else
  skip 6 'no real weights: LEUKO_SHARED is not set'
fi
finish
