#!/bin/sh
# leuko's CNN beside Keras, PyTorch and ONNX Runtime, in one run:
#   bench/peers/run.sh [OUT.md] [options of cnn.py: --rounds N, --seconds S, --threads N]
# Builds leuko and a virtual environment where they are missing. LEUKO names another program.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/peers.md
case "${1:-}" in
'' | --*) ;;
*)
  out=$1
  shift
  ;;
esac
if [ -z "${LEUKO:-}" ]; then
  make -C "$root" build >&2
  LEUKO=$root/build/leuko
fi
python=$(sh "$here/venv.sh")
"$python" "$here/cnn.py" --leuko "$LEUKO" --out "$out" "$@"
echo "written to $out" >&2
