"""Writes tests/fixtures/pooled.json: a cross-validation scored by scikit-learn (1.9.1), persons and
exact intervals by SciPy, for test_pooled.c.

Run in the repository's root: python tests/oracle/pooled.py
"""
import json

import numpy as np
from scipy.special import expit, logit
from scipy.stats import binomtest
from sklearn import metrics as sk

FOLDS, PERSONS = 4, 22
random = np.random.default_rng(11)
threshold = [0.61, 0.5, 0.44, 0.7]  # of each fold's model
temperature = [1.7, 0.8, 1.0, 2.4]

sizes = random.integers(3, 15, PERSONS)
person = np.repeat(np.arange(PERSONS), sizes)
fold = person % FOLDS
kind = (np.arange(PERSONS) % 5 < 3).astype(int)
label = kind[person]
# Persons 0 and 7 have cells of both classes; some persons are answered quite wrong.
label[(person == 0) & (np.arange(len(person)) % 2 == 0)] = 0
label[(person == 7) & (np.arange(len(person)) % 3 == 0)] = 1
shift = random.normal(0, 1.4, PERSONS)
# Rounded as a file holds it, so that some are equal.
x = np.round(1.1 * (2 * label - 1) + shift[person] + random.normal(0, 1.5, len(person)), 1)


def scores(logits, labels, answers):
    p = expit(logits)
    return {
        "loss": sk.log_loss(labels, p),
        "brier": sk.brier_score_loss(labels, p),
        "accuracy": sk.accuracy_score(labels, answers),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, answers),
        "sensitivity": sk.recall_score(labels, answers),
        "specificity": sk.recall_score(labels, answers, pos_label=0),
        "weighted_f1": sk.f1_score(labels, answers, average="weighted"),
        "auc": sk.roc_auc_score(labels, logits),
    }


def persons(logits, answers, cut):
    positive = np.array([label[person == i].max() for i in range(PERSONS)])
    out = {"persons": PERSONS, "positives": int(positive.sum())}
    share = np.array([answers[person == i].mean() for i in range(PERSONS)])
    mean = np.array([logits[person == i].mean() for i in range(PERSONS)])
    for name, value, least in ("share", share, 0.5), ("mean_logit", mean, logit(cut)):
        given = (value >= least).astype(int)
        true_negative, alarmed, missed, true_positive = sk.confusion_matrix(positive, given).ravel()
        interval = binomtest(int(missed + alarmed), PERSONS).proportion_ci(method="exact")
        out[name] = {
            "auc": sk.roc_auc_score(positive, value),
            "missed": int(missed),
            "alarmed": int(alarmed),
            "error": 1 - sk.accuracy_score(positive, given),
            "error_interval": [interval.low, interval.high],
        }
    return out


per_fold = []
for f in range(FOLDS):
    mine = fold == f
    per_fold.append(scores(x[mine], label[mine], x[mine] >= 0))
names = [n for n in per_fold[0] if n != "brier"]
fitted = x / np.array(temperature)[fold]
answers = expit(fitted) >= np.array(threshold)[fold]
shares = []
for k, n in (0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (312, 1000), (7079, 14000):
    interval = binomtest(k, n).proportion_ci(method="exact")
    shares.append({"k": k, "n": n, "interval": [interval.low, interval.high]})

with open("tests/fixtures/pooled.json", "w") as file:
    json.dump(
        {
            "logits": x.tolist(),
            "labels": label.tolist(),
            "persons": person.tolist(),
            "folds": fold.tolist(),
            "threshold": threshold,
            "temperature": temperature,
            "pooled": scores(x, label, x >= 0),
            "per_fold": per_fold,
            "mean": {n: np.mean([s[n] for s in per_fold]) for n in names},
            "spread": {n: np.std([s[n] for s in per_fold], ddof=1) for n in names},
            "cross_fitted": scores(fitted, label, answers),
            "by_person": persons(x, x >= 0, 0.5),
            "by_person_at": {"threshold": 0.64, **persons(x, expit(x) >= 0.64, 0.64)},
            "shares": shares,
        },
        file,
        separators=(",", ":"),
    )
    file.write("\n")
