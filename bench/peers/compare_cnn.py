#!/usr/bin/env python3
"""Puts trainings of the CNN by leuko beside those by Keras on the same split.

    compare_cnn.py --leuko RUN [RUN ...] --keras FOLDER [FOLDER ...]

A leuko RUN is a run folder, a Keras FOLDER what keras_cnn.py has written; both hold history.csv.
Prints, for each and as medians, the highest validation accuracy and the lowest validation loss of
all epochs, the last epoch's figures and the range of the last ten, beside the paper's Table I.
"""
import argparse
import csv
import pathlib
import statistics

PAPER = "paper (Table I), last epoch | | | 0.8815 | 0.3282 | 0.8821 | 0.3096 | |"


def read(folder):
    with open(pathlib.Path(folder) / "history.csv", newline="") as file:
        rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    accuracy = [row["val_accuracy"] for row in rows]
    return {
        "epochs": len(rows),
        "best": max(accuracy),
        "best_epoch": accuracy.index(max(accuracy)) + 1,
        "loss": min(row["val_loss"] for row in rows),
        "loss_epoch": min(range(len(rows)), key=lambda i: rows[i]["val_loss"]) + 1,
        "last": rows[-1],
        "low": min(accuracy[-10:]),
        "high": max(accuracy[-10:]),
        "seconds": statistics.median(row["seconds"] for row in rows[1:]) if len(rows) > 1 else 0,
    }


def print_row(name, r):
    last = r["last"]
    print(f"| {name} | {r['best']:.4f} ({r['best_epoch']}) | {r['loss']:.4f} ({r['loss_epoch']}) "
          f"| {last['accuracy']:.4f} | {last['loss']:.4f} | {last['val_accuracy']:.4f} "
          f"| {last['val_loss']:.4f} | {r['low']:.4f} to {r['high']:.4f} | {r['epochs']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leuko", nargs="+", required=True)
    parser.add_argument("--keras", nargs="+", required=True)
    arguments = parser.parse_args()
    print("| run | highest val. accuracy (epoch) | lowest val. loss (epoch) | acc | loss "
          "| val. acc | val. loss | val. acc of the last ten epochs | epochs |")
    print("|---|---|---|---|---|---|---|---|---|")
    medians = {}
    for name in ("leuko", "keras"):
        results = [read(folder) for folder in getattr(arguments, name)]
        for folder, result in zip(getattr(arguments, name), results):
            print_row(f"{name} {pathlib.Path(folder).name}", result)
        medians[name] = [statistics.median(r[key] for r in results) for key in ("best", "loss")]
        print(f"| {name}, median of {len(results)} | {medians[name][0]:.4f} "
              f"| {medians[name][1]:.4f} | | | | | | |")
    print(f"| {PAPER}")
    print()
    gaps = [a - b for a, b in zip(medians["leuko"], medians["keras"])]
    print(f"leuko - Keras: highest validation accuracy {gaps[0]:+.4f} (allowed 0.02), "
          f"lowest validation loss {gaps[1]:+.4f} (allowed 0.03)")


if __name__ == "__main__":
    main()
