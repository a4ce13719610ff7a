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
  # PyTorch's own index has a build without the gigabytes of libraries for graphics cards.
  "$venv/bin/pip" install --timeout 15 --retries 1 torch \
    --index-url https://download.pytorch.org/whl/cpu >&2 || "$venv/bin/pip" install torch >&2
  touch "$venv/complete"
fi
echo "$venv/bin/python"
