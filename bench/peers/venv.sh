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
  # Without its dependencies, which are some gigabytes of libraries for graphics cards.
  "$venv/bin/pip" install --no-deps torch >&2
  "$venv/bin/pip" install filelock typing-extensions sympy networkx jinja2 fsspec >&2
  "$venv/bin/python" -c 'import torch' >&2
  touch "$venv/complete"
fi
echo "$venv/bin/python"
