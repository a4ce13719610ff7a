#!/usr/bin/env python3
"""Puts trainings by leuko beside those by Keras on the same split.

    compare_runs.py --leuko RUN [RUN ...] --keras FOLDER [FOLDER ...]

A leuko RUN is a run folder, a Keras FOLDER what keras_cnn.py or keras_heads.py has written; all of
the same network, preprocessing and numbers of cells. Prints, for each and as medians, the highest
validation accuracy and the lowest validation loss of all epochs, the last epoch's figures and the
range of the last ten, beside the paper's Table I. Then the differences, and whether leuko's last
epoch, its median over the runs and each run, lies in the range that the last ten epochs of all Keras
runs span. Exit code 1 where a difference of medians is above what is allowed or a median is outside.
"""
import argparse
import csv
import json
import pathlib
import statistics
import sys

PAPER = {"cnn": "0.8815 | 0.3282 | 0.8821 | 0.3096", "vgg16": "0.9653 | 0.0944 | 0.8966 | 0.4045",
         "resnet50": "0.7905 | 0.4957 | 0.7927 | 0.4919"}
FIGURES = {"accuracy": "accuracy", "loss": "loss", "val_accuracy": "val. accuracy",
           "val_loss": "val. loss"}
ACCURACY_WITHIN, LOSS_WITHIN = 0.02, 0.03


def read(folder):
    with open(pathlib.Path(folder) / "history.csv", newline="") as file:
        rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    accuracy = [row["val_accuracy"] for row in rows]
    return {
        "name": pathlib.Path(folder).name,
        "epochs": len(rows),
        "best": max(accuracy),
        "best_epoch": accuracy.index(max(accuracy)) + 1,
        "loss": min(row["val_loss"] for row in rows),
        "loss_epoch": min(range(len(rows)), key=lambda i: rows[i]["val_loss"]) + 1,
        "last": rows[-1],
        "late": {key: (min(row[key] for row in rows[-10:]), max(row[key] for row in rows[-10:]))
                 for key in FIGURES},
    }


def experiment(folder):
    """Network, preprocessing, cells trained on and tested on: what must be equal to be compared."""
    folder = pathlib.Path(folder)
    if (folder / "run.json").exists():
        run = json.loads((folder / "run.json").read_text())
        return (run["options"]["network"]["name"], run["options"].get("preprocess", "paper"),
                run["cells"]["train"], run["cells"]["test"])
    run = json.loads((folder / "summary.json").read_text())
    return (run.get("model", "cnn"), run.get("preprocess", "paper"), run["train_images"],
            run["val_images"])


def print_row(name, r):
    last, (low, high) = r["last"], r["late"]["val_accuracy"]
    print(f"| {name} | {r['best']:.4f} ({r['best_epoch']}) | {r['loss']:.4f} ({r['loss_epoch']}) "
          f"| {last['accuracy']:.4f} | {last['loss']:.4f} | {last['val_accuracy']:.4f} "
          f"| {last['val_loss']:.4f} | {low:.4f} to {high:.4f} | {r['epochs']} |")


def print_medians(name, results):
    """Of the highest validation accuracy and the lowest validation loss, which are returned, and of
    the last epoch's figures."""
    medians = [statistics.median(r[key] for r in results) for key in ("best", "loss")]
    last = [statistics.median(r["last"][key] for r in results) for key in FIGURES]
    values = " | ".join(f"{value:.4f}" for value in medians + last)
    print(f"| {name}, median of {len(results)} | {values} | | |")
    return medians


def print_last_epochs(results):
    """True if the medians of leuko's last epochs lie in the range of Keras's last ten."""
    print("| last epoch | range of Keras's last ten | leuko, median | inside | leuko, each run "
          "| inside |\n|---|---|---|---|---|---|")
    all_inside = True
    for key, name in FIGURES.items():
        low = min(r["late"][key][0] for r in results["keras"])
        high = max(r["late"][key][1] for r in results["keras"])
        last = [r["last"][key] for r in results["leuko"]]
        median = statistics.median(last)
        inside = low <= median <= high
        all_inside &= inside
        print(f"| {name} | {low:.4f} to {high:.4f} | {median:.4f} | {'yes' if inside else 'no'} "
              f"| {', '.join(f'{value:.4f}' for value in last)} "
              f"| {sum(low <= value <= high for value in last)} of {len(last)} |")
    return all_inside


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leuko", nargs="+", required=True)
    parser.add_argument("--keras", nargs="+", required=True)
    arguments = parser.parse_args()
    experiments = {experiment(folder) for folder in arguments.leuko + arguments.keras}
    if len(experiments) > 1:
        sys.exit(f"these are different experiments: {sorted(experiments)}")
    network, preprocess, train, test = experiments.pop()
    print(f"{network}, preprocessing '{preprocess}', {train} cells trained on, {test} tested on\n")
    print("| run | highest val. accuracy (epoch) | lowest val. loss (epoch) | acc | loss "
          "| val. acc | val. loss | val. acc of the last ten epochs | epochs |")
    print("|---|---|---|---|---|---|---|---|---|")
    results, medians = {}, {}
    for key, name in (("leuko", "leuko"), ("keras", "Keras")):
        results[key] = [read(folder) for folder in getattr(arguments, key)]
        for result in results[key]:
            print_row(f"{name}, {result['name']}", result)
        medians[key] = print_medians(name, results[key])
    print(f"| paper (Table I), last epoch | | | {PAPER[network]} | | |\n")
    gaps = [a - b for a, b in zip(medians["leuko"], medians["keras"])]
    within = abs(gaps[0]) <= ACCURACY_WITHIN and abs(gaps[1]) <= LOSS_WITHIN
    print(f"leuko - Keras: highest validation accuracy {gaps[0]:+.4f} (allowed {ACCURACY_WITHIN}), "
          f"lowest validation loss {gaps[1]:+.4f} (allowed {LOSS_WITHIN}): "
          f"{'within' if within else 'NOT within'}\n")
    sys.exit(not (print_last_epochs(results) and within))


if __name__ == "__main__":
    main()
