#!/usr/bin/env python3
"""Lets cross-validations answer as one, by the mean logit of each held-out cell.

  bench/ensemble.py FOLDER OUT OUT ...
  leuko compare FOLDER OUT

OUT: folders of 'leuko train --folds' with the same folds. Writes FOLDER/predictions.csv as they have
it, and of FOLDER/metrics.json what leuko compare needs to score it."""
import csv
import json
import math
import os
import sys


def read(folder):
    with open(f"{folder}/predictions.csv", newline="") as file:
        return {row["path"]: row for row in csv.DictReader(file) if row["status"] == "OK"}


def together(rows):
    if len({(row["fold"], row["label"], row["person"]) for row in rows}) != 1:
        sys.exit("the folds differ: a model would have seen cells that another held out")
    logit = sum(float(row["logit"]) for row in rows) / len(rows)
    p = 1 / (1 + math.exp(-logit))
    return {**rows[0], "logit": logit, "p": p, "p_raw": p, "predicted": "all" if p >= 0.5 else "hem"}


def main(out, folders):
    runs = [read(folder) for folder in folders]
    os.makedirs(out, exist_ok=True)
    with open(f"{folders[0]}/metrics.json") as file:
        classes = json.load(file)["classes"]
    with open(f"{out}/metrics.json", "w") as file:
        json.dump({"classes": classes}, file)
    with open(f"{out}/predictions.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, next(iter(runs[0].values())))
        writer.writeheader()
        writer.writerows(together([run[path] for run in runs])
                         for path in runs[0] if all(path in run for run in runs))


if len(sys.argv) < 4:
    sys.exit(__doc__)
main(sys.argv[1], sys.argv[2:])
