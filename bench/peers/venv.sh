#!/bin/sh
# Makes the peers' virtual environment (build/peers-venv; PEERS_VENV names another folder) and
# prints its python. PEERS_PYTHON names a python that has them already. The only place where they
# are installed; made anew when this file has changed.
set -eu
if [ -n "${PEERS_PYTHON:-}" ]; then
  echo "$PEERS_PYTHON"
  exit
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=${PEERS_VENV:-$root/build/peers-venv}
if ! cmp -s "$0" "$venv/complete"; then
  mkdir -p "$(dirname "$venv")"
  python3 -m venv "$venv" >&2 || {
    echo 'venv.sh: apt install python3-venv' >&2
    exit 1
  }
  # torch with the libraries for graphics cards: without them it cannot be imported.
  "$venv/bin/pip" install --upgrade tensorflow-cpu keras h5py torch onnxruntime onnx openvino nncf \
    ncnn pnnx pillow numpy >&2
  cp "$0" "$venv/complete"
fi
echo "$venv/bin/python"
