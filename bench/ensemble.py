#!/usr/bin/env python3
"""Lets cross-validations answer as one, by the mean logit of each held-out cell.

  bench/ensemble.py FOLDER OUT OUT ...
  leuko compare FOLDER OUT

OUT: folders of 'leuko train --folds' with the same folds. Writes FOLDER/predictions.csv as they have
it, and of FOLDER/metrics.json what leuko compare needs to score it. Prints AUC by fold, and scores
by a threshold that the other folds choose (Youden)."""
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
    reasons = [row["reason"] for row in rows if row["reason"]]
    return {**rows[0], "logit": logit, "p": p, "p_raw": p, "predicted": "all" if p >= 0.5 else "hem",
            "reason": reasons[0] if len(reasons) > len(rows) / 2 else ""}


def by_score(rows):
    """(logit, whether it is a blast), from the highest on."""
    return sorted(((row["logit"], row["label"] == "all") for row in rows), reverse=True)


def area(rows):
    """Of the ROC curve; equal logits do not occur."""
    wins = blasts = 0
    for _, blast in by_score(rows):
        blasts += blast
        wins += 0 if blast else blasts
    return wins / (blasts * (len(rows) - blasts))


def youden(rows):
    """The logit at which sensitivity and specificity add up to the most."""
    ranked = by_score(rows)
    blasts = sum(blast for _, blast in ranked)
    best, at, found, wrong = -1, 0, 0, 0
    for logit, blast in ranked:
        found, wrong = found + blast, wrong + (not blast)
        index = found / blasts - wrong / (len(rows) - blasts)
        if index > best:
            best, at = index, logit
    return at


def print_scores(rows):
    right = {True: [], False: []}
    for fold in sorted({row["fold"] for row in rows}):
        inside = [row for row in rows if row["fold"] == fold]
        threshold = youden([row for row in rows if row["fold"] != fold])
        print(f"fold {fold}: AUC {area(inside):.3f}")
        for row in inside:
            blast = row["label"] == "all"
            right[blast].append((row["logit"] >= threshold) == blast)
    sensitivity, specificity = (sum(right[b]) / len(right[b]) for b in (True, False))
    print(f"all: AUC {area(rows):.3f}; by thresholds of the other folds sensitivity "
          f"{sensitivity:.3f}, specificity {specificity:.3f}, balanced accuracy "
          f"{(sensitivity + specificity) / 2:.3f}, accuracy {sum(map(sum, right.values())) / len(rows):.3f}; "
          f"{sum(bool(row['reason']) for row in rows) / len(rows):.1%} rejected")


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
        rows = [together([run[path] for run in runs])
                for path in runs[0] if all(path in run for run in runs)]
        writer.writerows(rows)
    print_scores(rows)


if len(sys.argv) < 4:
    sys.exit(__doc__)
main(sys.argv[1], sys.argv[2:])
