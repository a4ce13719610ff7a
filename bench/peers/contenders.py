"""Who takes part, in what, and what is asked of each."""
import json
import pathlib
import re
import subprocess

SIZES = {"cnn": 128, "vgg16": 224, "resnet50": 224}
JOBS = {"predict": [(network, batch) for network in SIZES for batch in (16, 1)],
        "train": [("cnn", 32), ("vgg16", 16), ("resnet50", 16)]}
NAMES = {"leuko": "leuko", "torch": "PyTorch", "keras": "Keras", "onnxruntime": "ONNX Runtime",
         "openvino": "OpenVINO", "ncnn": "ncnn"}

# Each peer's ways: a precision, and behind it how, where a peer can do the same in several ways; the
# best of all of them is the one that counts.
PREDICT = {"torch": ["f32", "bf16"], "keras": ["f32", "bf16"], "onnxruntime": ["f32", "int8"],
           "openvino": ["f32", "bf16", "int8"],
           "ncnn": ["f32", "f32-batch", "bf16", "bf16-batch", "int8", "int8-batch"]}
TRAIN = {"torch": ["f32", "bf16", "bf16-compiled"], "keras": ["f32", "bf16", "bf16-graph"]}
WITH_FILES = ("onnxruntime", "openvino", "ncnn")  # those that read files of their own


def precision(way):
    return way.split("-")[0]


def computes_in(contender, way, flags, work):
    """Whether the processor can: without instructions for it, bf16 is emulated, tens of times slower
    than float32, by all but ncnn, which only keeps its values in it, and leuko, which predicts in
    other 16 bits where there are such products."""
    if precision(way) != "bf16" or "avx512_bf16" in flags or contender == "ncnn":
        return True
    other = "avx512_vnni" in flags or "avx512f" not in flags
    return contender == "leuko" and work == "predict" and other


def peers(work, batch=2):
    return [(peer, way) for peer, ways in (PREDICT if work == "predict" else TRAIN).items()
            for way in ways if batch > 1 or not way.endswith("-batch")]


def compare(way, p, truth):
    """How far probabilities are from those in float64, and whether that is within the precision
    that they were computed in."""
    difference = abs(p - truth)
    row = {"largest": float(difference.max()), "median": float(sorted(difference)[len(p) // 2]),
           "agree": float(((p >= 0.5) == (truth >= 0.5)).mean()), "cells": len(p)}
    good = {"f32": row["largest"] <= 0.001,
            "bf16": row["median"] <= 0.01 and row["agree"] >= 0.98,
            "int8": row["agree"] >= 0.95}
    return {**row, "good": good[precision(way)]}


def same_loss(way, loss, usual):
    """Whether a first training step saw the loss that the others saw."""
    return abs(loss - usual) <= {"f32": 0.002, "bf16": 0.05}[precision(way)] * usual


class Leuko:
    """leuko's own rows: each precision that its program offers, skipping the black background and
    ("-whole") computing all of it, and pixels without anything black ("-random")."""

    def __init__(self, program):
        self.program = pathlib.Path(program).resolve()
        self.help = {command: self._help(command) for command in ("bench", "predict")}

    def _help(self, command):
        done = subprocess.run([self.program, command, "--help"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        return done.stdout if done.returncode == 0 else ""

    def ways(self, run, work, network, batch=1):
        offered = re.search(r"--precision=[^;]*", self.help["bench"])
        found = [p for p in ("f32", "bf16", "int8")
                 if p == "f32" or offered and p in offered[0]]
        if work == "train":
            return [p for p in found if p != "int8"]
        if "int8" in found and not self._quantized(run, network):
            found.remove("int8")
        skips = "--no-skip" in self.help["bench"]
        return [p + end for p in found for end in
                [""] + (["-whole"] if skips else []) + (["-random"] if batch > 1 else [])]

    def _quantized(self, run, network):
        """The model with its scales for 8 bits; None where leuko refuses it, as it does if nothing
        of it gains or if it changes too many answers."""
        model = run.model(network)
        quantized, refused = (model.with_name("int8.safetensors"), model.with_name("int8.refused"))
        for done in (quantized, refused):
            if done.exists() and done.stat().st_mtime > max(self.program.stat().st_mtime,
                                                            model.stat().st_mtime):
                return quantized if done == quantized else None
        try:
            run.call([self.program, "quantize", model, run.options.cells,
                      "--threads", run.options.threads, "-o", quantized])
        except RuntimeError as why:
            refused.write_text(str(why))
            return None
        return quantized

    def _model(self, run, network, way):
        return self._quantized(run, network) if precision(way) == "int8" else run.model(network)

    def _how(self, run, command, way):
        words = ["--threads", run.options.threads]
        if "--precision" in self.help[command]:
            words += ["--precision", precision(way)]
        return words + (["--no-skip"] if way.endswith("-whole") else [])

    def answers(self, run, network, way):
        """Probabilities of the answered cells."""
        out = run.call([self.program, "predict", self._model(run, network, way),
                        run.out / "answered", "--json", "--no-reject",
                        *self._how(run, "predict", way)])
        return [row["p_raw"] for row in sorted(json.loads(out), key=lambda row: row["path"])]

    def measure(self, run, work, network, batch, way):
        words = ["--model", self._model(run, network, way), "--batch", batch, "--seconds",
                 run.options.seconds, "--json", *self._how(run, "bench", way)]
        words += [] if way.endswith("-random") else ["--images", run.out / "cells"]
        words += ["--train"] if work == "train" else []
        out = run.call([self.program, "bench", *words])
        result = json.loads(out[out.index("{"):])
        cells_mb = max(256, batch) * SIZES[network] ** 2 * 3 / 2**20
        return {**result, "peak_memory_mb": result["peak_memory_mb"] - cells_mb}
