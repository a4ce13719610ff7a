#!/usr/bin/env python3
"""One thing that one peer does, in a process of its own; run.py starts it.

  measure.py prepare PEER        files that the peer needs (its own format, int8), into --folder
  measure.py answer PEER WAY     logits of the first cells into the file --answers
  measure.py predict PEER WAY    images a second
  measure.py train PEER WAY      the same for training steps: forward, backward, Adam

Speeds come as a line of JSON. Cells are prepared beforehand, as the peer likes to read them. Peak
memory is that of the process while it computes, without building and without the cells."""
import argparse
import ctypes
import gc
import importlib
import json
import resource
import time

import numpy as np
from network import Network


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", choices=["prepare", "answer", "predict", "train"])
    parser.add_argument("peer")
    parser.add_argument("way", nargs="?")
    parser.add_argument("--model", required=True)
    parser.add_argument("--cells", required=True, help=".npy: uint8 [cells][size][size][3]")
    parser.add_argument("--folder")
    parser.add_argument("--answers")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1)
    return parser.parse_args()


def held(network, cells, convert, batch):
    """The cells as a list of batches, converted piece by piece so that nothing large is held
    twice."""
    found = []
    for i in range(0, len(cells) - batch + 1, batch):
        found += convert(network.scaled(cells[i:i + batch]))
    return found


def resident_mb():
    """What the process holds, when what it could give back is given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return status_mb("VmRSS")


def begin_peak():
    """From here on the process's peak memory is counted."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass  # then building counts as well


def status_mb(key):
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(key):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def speed(step, batches, batch, seconds):
    """Images a second: one call and half the seconds for warming up, then whole calls."""
    calls, start, first = 0, time.perf_counter(), None
    while not calls or time.perf_counter() - start < seconds / 2:
        result = step(batches[calls % len(batches)])
        first = result if first is None else first
        calls += 1
    done, start = 0, time.perf_counter()
    while not done or time.perf_counter() - start < seconds:
        step(batches[(calls + done) % len(batches)])
        done += 1
    return done * batch / (time.perf_counter() - start), first


def main():
    options = arguments()
    peer = importlib.import_module(f"with_{options.peer}")
    network = Network(options.model)
    cells = np.load(options.cells, mmap_mode="r")
    if options.work == "prepare":
        peer.prepare(network, options.folder, network.scaled(cells))
        return
    if options.work == "train":
        step, convert = peer.trainer(network, options.way, options.batch, options.threads)
    else:
        step, convert = peer.predictor(network, options.way, options.batch, options.threads,
                                       options.folder)
    before = resident_mb()
    batches = held(network, cells, convert, options.batch)
    del network, cells
    if options.work == "answer":
        np.save(options.answers, np.concatenate([step(batch) for batch in batches]).ravel())
        return
    cells_mb = resident_mb() - before
    begin_peak()
    images, first = speed(step, batches, options.batch, options.seconds)
    result = {"images_per_second": images, "peak_memory_mb": status_mb("VmHWM") - cells_mb,
              "version": peer.VERSION}
    if options.work == "train":
        result["first_loss"] = first
    print(json.dumps(result))


if __name__ == "__main__":
    main()
