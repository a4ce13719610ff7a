#!/usr/bin/env python3
"""leuko beside PyTorch, Keras, ONNX Runtime, OpenVINO and ncnn, in one run.

  run.py --leuko PROGRAM --cells DIR --out FOLDER [--work predict|train] [--rounds 3]
         [--seconds 0.5] [--threads 2] [--only TEXT] [--document FILE.md] [--again]

The same networks, weights, cells, batch and threads for all. Every measurement is a process of its
own on the first processors: warm-up, then whole batches for --seconds. Contenders take turns within
a round, leuko among its peers, and every round begins with another one, so that a machine that is
slow for a while is slow for all of them. Peers get their cells as they like them best, in memory,
normalised, batch normalization folded; leuko starts from 8-bit pixels.

FOLDER holds everything: the models that leuko trained, the peers' own files, answers.csv, and
speeds.csv with a line a measurement. What stands in speeds.csv is not measured again: a run that
was broken off goes on with the same command. FOLDER/predict.md or train.md is the result;
--document puts it between the marks of that name in FILE.md.
"""
import argparse
import csv
import hashlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

import contenders
import table

HERE = pathlib.Path(__file__).resolve().parent
CELLS, CALIBRATION, ANSWERED = 256, 64, 64
# ResNet-50's head is trained in full: trained for a moment it leaves most cells at the threshold,
# where what bytes round decides.
TRAINING = {"cnn": "--limit 2000 --epochs 20 --by image --allow-leak",
            "vgg16": "--limit 2000 --epochs 20 --by image --allow-leak", "resnet50": "--by subject"}
FIELDS = ["work", "network", "batch", "contender", "way", "round", "images_per_second",
          "peak_memory_mb", "share_computed", "first_loss", "version"]
IMAGES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")


def say(text):
    print(text, file=sys.stderr, flush=True)


class Run:
    def __init__(self, options):
        self.options = options
        self.out = pathlib.Path(options.out).resolve()
        self.leuko = contenders.Leuko(options.leuko)
        self.processors = sorted(os.sched_getaffinity(0))[: options.threads]
        self.failed = {}  # (network, contender, way): why
        self.others = []  # those who give other answers

    def call(self, command, **how):
        """Runs it on the first processors, its threads waiting as they do by default; gives its
        output."""
        environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
        environment["OMP_NUM_THREADS"] = str(self.options.threads)
        environment["TORCHINDUCTOR_CACHE_DIR"] = str(self.out / "files" / "inductor")
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment,
                              preexec_fn=lambda: os.sched_setaffinity(0, self.processors), **how)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr[-1500:]}")
        return done.stdout

    def folder(self, *parts):
        path = self.out.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def peer(self, work, network, contender, *more):
        files = self.folder("files", network, contender)
        return self.call([sys.executable, HERE / "measure.py", work, contender, *more, "--model",
                          self.model(network), "--folder", files, "--threads",
                          self.options.threads])

    def model(self, network):
        return self.out / "models" / network / "best.safetensors"

    def pixels(self, name, network):
        return self.out / f"{name}-{contenders.SIZES[network]}.npy"

    # What all of them share

    def prepare_cells(self):
        """Links to cells evenly spread over the tree, and their pixels: those that are measured,
        those that are answered (every fourth of them), others to calibrate int8 with."""
        import numpy as np
        import pretrained

        root = pathlib.Path(self.options.cells).resolve()
        found = sorted(p for p in root.rglob("*") if p.suffix.lower() in IMAGES)
        if len(found) < CELLS + CALIBRATION:
            sys.exit(f"run.py: {root} holds {len(found)} images, {CELLS + CALIBRATION} are needed")
        places = [i * len(found) // CELLS for i in range(CELLS)]
        left = [p for i, p in enumerate(found) if i not in set(places)]
        groups = {"cells": [found[i] for i in places],
                  "calibration": [left[i * len(left) // CALIBRATION] for i in range(CALIBRATION)]}
        groups["answered"] = groups["cells"][:: CELLS // ANSWERED]
        listed = "".join(f"{name} {path}\n" for name, paths in groups.items() for path in paths)
        done = self.out / "cells.txt"
        if done.exists() and done.read_text() == listed:
            return
        for name, paths in groups.items():
            shutil.rmtree(self.out / name, ignore_errors=True)
            links = self.folder(name)
            for i, path in enumerate(paths):
                (links / f"{i:03d}{path.suffix.lower()}").symlink_to(path)
            for side in sorted(set(contenders.SIZES.values())):
                np.save(self.out / f"{name}-{side}.npy", pretrained.prepared(paths, side))
        done.write_text(listed)

    def prepare_models(self, networks):
        for network in networks:
            if self.model(network).exists():
                continue
            say(f"{network}: leuko trains its model")
            shutil.rmtree(self.out / "models" / network, ignore_errors=True)
            self.folder("models")
            self.call([self.leuko.program, "train", self.options.cells, "--model", network,
                       *TRAINING[network].split(), "--threads", self.options.threads, "--out",
                       self.out / "models" / network])

    def prepare_files(self, network, contender):
        """Returns the file that says that the peer's own files are complete."""
        files = self.folder("files", network, contender)
        made_of = hashlib.sha256(self.model(network).read_bytes()
                                 + self.pixels("calibration", network).read_bytes()
                                 + (HERE / f"with_{contender}.py").read_bytes()).hexdigest()
        done = files / "complete"
        if done.exists() and done.read_text() == made_of:
            return done
        say(f"{network}: files for {contender}")
        self.peer("prepare", network, contender, "--cells", self.pixels("calibration", network))
        done.write_text(made_of)
        return done

    # Answers

    def answers(self, jobs):
        """Compares the probabilities of all who take part with those in float64, on the answered
        cells, into answers.csv; what is known there of others stays."""
        path = self.out / "answers.csv"
        rows = {}
        if path.exists():
            with open(path, newline="") as file:
                rows = {(r["network"], r["contender"], r["way"]): r for r in csv.DictReader(file)}
        for network in dict.fromkeys(network for network, _, _ in jobs):
            wanted = dict.fromkeys(one for n, _, turn in jobs if n == network for one in turn
                                   if not one[1].endswith("-random"))
            truth = self.probabilities(network, "torch", "f64")
            for contender, way in wanted:
                try:
                    p = self.probabilities(network, contender, way)
                except RuntimeError as problem:
                    self.fail(network, contender, way, problem)
                    continue
                row = contenders.compare(way, p, truth)
                rows[network, contender, way] = {"network": network, "contender": contender,
                                                 "way": way, **row}
                if not row["good"]:
                    say(f"{network}: {contender} {way} gives other answers: {row}")
                    self.others.append((network, contender, way))
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, ["network", "contender", "way", "largest", "median",
                                           "agree", "cells", "good"])
            writer.writeheader()
            writer.writerows(rows.values())

    def probabilities(self, network, contender, way):
        """Of the answered cells. A peer's logits are kept in a file."""
        import numpy as np

        if contender == "leuko":
            say(f"{network}: answers of leuko {way}")
            return np.array(self.leuko.answers(self, network, way))
        path = self.folder("answers", network) / f"{contender}-{way}.npy"
        made_of = [self.model(network), self.pixels("answered", network),
                   HERE / f"with_{contender}.py"]
        if contender in contenders.WITH_FILES:
            made_of.append(self.prepare_files(network, contender))
        if not path.exists() or any(p.stat().st_mtime > path.stat().st_mtime for p in made_of):
            say(f"{network}: answers of {contender} {way}")
            self.peer("answer", network, contender, way, "--answers", path, "--cells",
                      self.pixels("answered", network))
        return 1 / (1 + np.exp(-np.load(path).astype(np.float64)))

    def fail(self, network, contender, way, problem):
        """That contender is out."""
        say(f"{network}: {contender} {way}: {problem}")
        self.failed[network, contender, way] = str(problem)

    # Speeds

    def takes(self, *words):
        """Whether --only lets this through: each of its words must be one of these."""
        return set((self.options.only or "").split()) <= set(map(str, words))

    def measure(self, work, network, batch, contender, way):
        if contender == "leuko":
            return self.leuko.measure(self, work, network, batch, way)
        out = self.peer(work, network, contender, way, "--cells", self.pixels("cells", network),
                        "--batch", batch, "--seconds", self.options.seconds)
        return json.loads(out[out.rindex("{"):])

    def networks(self):
        """Those that --only names; all where it names none."""
        only = set((self.options.only or "").split())
        return [n for n in contenders.SIZES if n in only or not only & set(contenders.SIZES)]

    def jobs(self, work):
        """(network, batch) and who takes part, leuko spread among the others."""
        flags = table.processor()["flags"].split()
        for network, batch in contenders.JOBS[work]:
            if network not in self.networks():
                continue
            ways = [("leuko", way) for way in self.leuko.ways(self, work, network, batch)]
            turn = contenders.peers(work, batch)
            for i, one in enumerate(ways):
                turn.insert(i * (len(turn) + 1) // len(ways), one)
            turn = [one for one in turn if self.takes(work, network, f"b{batch}", *one)
                    and contenders.computes_in(*one, flags, work)]
            if turn:
                yield network, batch, turn

    def speeds(self, work):
        path = self.out / "speeds.csv"
        if self.options.again and path.exists():
            path.unlink()
        rows = []
        if path.exists():
            with open(path, newline="") as file:
                rows = list(csv.DictReader(file))
        known = {(r["work"], r["network"], r["batch"], r["contender"], r["way"], r["round"])
                 for r in rows}
        with open(path, "a", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            if not rows:
                writer.writeheader()
            for number in range(self.options.rounds):
                for network, batch, turn in self.jobs(work):
                    first = number * len(turn) // max(self.options.rounds, 1)
                    for contender, way in turn[first:] + turn[:first]:
                        key = (work, network, str(batch), contender, way, str(number + 1))
                        if key in known or (network, contender, way) in self.failed:
                            continue
                        try:
                            result = self.measure(work, network, batch, contender, way)
                        except RuntimeError as problem:
                            self.fail(network, contender, way, problem)
                            continue
                        writer.writerow(dict(zip(FIELDS, key)) | {k: v for k, v in result.items()
                                                                  if k in FIELDS})
                        file.flush()
                        say(f"round {number + 1}: {work} {network} batch {batch}: {contender} {way}: "
                            f"{result['images_per_second']:.1f} images/s, "
                            f"{result['peak_memory_mb']:.0f} MB")

    def losses(self):
        """Compares the first losses that peers saw in training; leuko's bench tells none."""
        with open(self.out / "speeds.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["first_loss"]]
        for network in dict.fromkeys(row["network"] for row in rows):
            found = {(row["contender"], row["way"]): float(row["first_loss"]) for row in rows
                     if row["network"] == network}
            plain = [loss for (_, way), loss in found.items() if way == "f32"]
            for (contender, way), loss in found.items() if plain else ():
                if not contenders.same_loss(way, loss, statistics.median(plain)):
                    say(f"{network}: {contender} {way} begins with a loss of {loss:.5f}")
                    self.others.append((network, contender, way))

    def same_conditions(self):
        """speeds.csv goes on only with the program, machine and settings that began it."""
        state = {"leuko": hashlib.sha256(self.leuko.program.read_bytes()).hexdigest(),
                 "machine": table.machine(), "threads": self.options.threads,
                 "seconds": self.options.seconds,
                 "cells": str(pathlib.Path(self.options.cells).resolve())}
        path, speeds = self.out / "conditions.json", self.out / "speeds.csv"
        if speeds.exists() and not self.options.again and path.exists():
            if json.loads(path.read_text()) != state:
                sys.exit(f"run.py: {speeds} was begun with another leuko, machine, --cells, "
                         "--threads or --seconds: add --again to begin anew, or take another --out")
        path.write_text(json.dumps(state, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leuko", required=True)
    parser.add_argument("--cells", required=True, help="a tree of cells, C-NMC's")
    parser.add_argument("--out", required=True)
    parser.add_argument("--work", choices=["predict", "train"], default="predict")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", help='words that must be among those of a measurement: '
                        '"vgg16 b16", "openvino int8", "leuko"')
    parser.add_argument("--document", help="Markdown file with <!-- bench/peers: WORK --> marks")
    parser.add_argument("--again", action="store_true", help="forget the speeds measured so far")
    options = parser.parse_args()
    run = Run(options)
    run.folder()
    run.same_conditions()
    run.prepare_cells()
    run.prepare_models(run.networks())
    if options.work == "predict":
        run.answers(list(run.jobs(options.work)))
    run.speeds(options.work)
    if options.work == "train":
        run.losses()
    text = table.markdown(run.out, options)
    (run.out / f"{options.work}.md").write_text(text)
    print(text)
    if options.document:
        table.insert(options.document, options.work, text)
    for one, why in run.failed.items():
        say(f"failed: {' '.join(one)}: {why}")
    for one in run.others:
        say(f"other answers: {' '.join(one)}")
    sys.exit(1 if run.failed or run.others else 0)


if __name__ == "__main__":
    main()
