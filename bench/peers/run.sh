#!/bin/sh
# leuko beside PyTorch, Keras, ONNX Runtime, OpenVINO and ncnn, in one run:
#   bench/peers/run.sh CELLS [options of run.py: --work predict|train, --rounds N, --seconds S, ...]
# CELLS holds cells (a C-NMC tree). Builds leuko and a virtual environment where they are missing;
# results and everything else lie in build/peers (--out). The ImageNet weights are found as by leuko
# (LEUKO_WEIGHTS names their folder); LEUKO names another program.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cells=${1:?usage: run.sh CELLS [options of run.py]}
shift
if [ -z "${LEUKO:-}" ]; then
  make -C "$root" build >&2
  LEUKO=$root/build/leuko
fi
python=$(sh "$here/venv.sh")
exec "$python" "$here/run.py" --leuko "$LEUKO" --cells "$cells" --out "$root/build/peers" "$@"
