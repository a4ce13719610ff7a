#!/bin/sh
# Makes the peers' virtual environment (build/peers-venv) and prints its python. PEERS_PYTHON names
# a python that has them already.
set -eu
if [ -n "${PEERS_PYTHON:-}" ]; then
  echo "$PEERS_PYTHON"
  exit
fi
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/build/peers-venv
if [ ! -e "$venv/complete" ]; then
  mkdir -p "$root/build"
  python3 -m venv "$venv" >&2 || {
    echo 'venv.sh: apt install python3-venv' >&2
    exit 1
  }
  "$venv/bin/pip" install tensorflow-cpu keras onnxruntime onnx pillow numpy >&2
  # With the libraries for graphics cards: without them it cannot be imported.
  "$venv/bin/pip" install torch >&2
  touch "$venv/complete"
fi
echo "$venv/bin/python"
