"""Writes tests/fixtures/metrics.json: scores and curves by scikit-learn (1.9.1), for test_stats.c.

Run in the repository's root: python tests/oracle/sklearn_metrics.py
null stands for a value that is not defined (one class only) or for an infinite threshold.
"""
import json
import math
import warnings

import numpy as np
from sklearn import metrics as sk

warnings.filterwarnings("ignore")
random = np.random.default_rng(20)


def sigmoid(x):
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def numbers(values):
    return [float(v) if math.isfinite(v) else None for v in values]


def binary(name, logits, labels, threshold=0.5):
    logits, labels = np.asarray(logits, float), np.asarray(labels, int)
    p = sigmoid(logits)
    answer = (p >= threshold).astype(int)
    both = len(set(labels)) == 2
    positives = labels.sum()
    with_one, with_zero = positives > 0, positives < len(labels)
    # log_loss clips probabilities; where that matters the formula from logits is the truth.
    exact = np.mean(np.logaddexp(0, logits) - logits * labels)
    if np.abs(logits).max() < 30:
        assert abs(exact - sk.log_loss(labels, p, labels=[0, 1])) < 1e-12
    recall = lambda c: sk.recall_score(labels, answer, pos_label=c, zero_division=0)
    scores = {
        "loss": exact,
        "accuracy": sk.accuracy_score(labels, answer),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, answer) if both else None,
        "sensitivity": recall(1) if with_one else None,
        "specificity": recall(0) if with_zero else None,
        "weighted_f1": sk.f1_score(labels, answer, average="weighted", zero_division=0),
        "auc": sk.roc_auc_score(labels, logits) if both else None,
        "average_precision": sk.average_precision_score(labels, logits) if with_one else None,
        "brier": np.mean((p - labels) ** 2) if not both else sk.brier_score_loss(labels, p),
    }
    case = {
        "name": name,
        "threshold": threshold,
        "logits": numbers(logits),
        "labels": labels.tolist(),
        "scores": {k: None if v is None else float(v) for k, v in scores.items()},
        "confusion": sk.confusion_matrix(labels, answer, labels=[0, 1]).tolist(),
    }
    if both:
        fpr, tpr, cut = sk.roc_curve(labels, logits, drop_intermediate=False)
        case["roc"] = {"x": numbers(fpr), "y": numbers(tpr), "threshold": numbers(cut)}
        precision, recalls, cut = sk.precision_recall_curve(labels, logits)
        case["precision_recall"] = {
            "x": numbers(recalls),
            "y": numbers(precision),
            "threshold": numbers(list(cut) + [math.inf]),
        }
    return case


def multiclass(name, logits, labels):
    logits, labels = np.asarray(logits, float), np.asarray(labels, int)
    n, k = logits.shape
    exponent = np.exp(logits - logits.max(1, keepdims=True))
    p = exponent / exponent.sum(1, keepdims=True)
    answer = logits.argmax(1)
    complete = len(set(labels)) == k
    auc = [sk.roc_auc_score(labels == c, p[:, c]) for c in range(k)] if complete else None
    if complete and k > 2:
        assert abs(np.mean(auc) - sk.roc_auc_score(labels, p, multi_class="ovr")) < 1e-12
    exact = np.mean(np.logaddexp.reduce(logits, axis=1) - logits[np.arange(n), labels])
    if p.min() > 1e-12:
        assert abs(exact - sk.log_loss(labels, p, labels=range(k))) < 1e-12
    scores = {
        "loss": float(exact),
        "accuracy": float(sk.accuracy_score(labels, answer)),
        "balanced_accuracy": float(sk.balanced_accuracy_score(labels, answer)) if complete else None,
        "weighted_f1": float(sk.f1_score(labels, answer, average="weighted", zero_division=0)),
        "auc": float(np.mean(auc)) if complete else None,
    }
    return {
        "name": name,
        "classes": k,
        "logits": [numbers(row) for row in logits],
        "labels": labels.tolist(),
        "scores": scores,
        "confusion": sk.confusion_matrix(labels, answer, labels=range(k)).tolist(),
    }


def drawn(n, shift, share, digits=None):
    labels = (random.random(n) < share).astype(int)
    logits = random.normal(0, 1.5, n) + shift * (labels - 0.5)
    return (logits if digits is None else np.round(logits, digits)), labels


tied, tied_labels = drawn(60, 1.5, 0.4, 0)
fixture = {
    "binary": [
        binary("typical", *drawn(80, 2.0, 0.68)),
        binary("threshold 0.3", *drawn(50, 1.0, 0.5), threshold=0.3),
        binary("many ties, some on the threshold", tied, tied_labels),
        binary("all equal", np.zeros(9), [0, 1, 1, 0, 1, 1, 1, 0, 1]),
        binary("perfect", [-2, -1, -0.5, 0.1, 3], [0, 0, 0, 1, 1]),
        binary("all wrong", [-2, -1, 0.5, 0.1], [1, 1, 0, 0]),
        binary("never answered positive", [-3, -2, -1, -4], [0, 1, 0, 1]),
        binary("large logits", [-800, 800, 40, -40, 750, -3], [0, 1, 0, 1, 0, 0]),
        binary("positives only", *[drawn(12, 1.0, 1.0)[0], np.ones(12)]),
        binary("negatives only", *[drawn(12, 1.0, 0.0)[0], np.zeros(12)]),
        binary("one sample", [0.7], [1]),
        binary("hardly a positive", *drawn(70, 1.0, 0.04)),
    ],
    "multiclass": [
        multiclass("four classes", random.normal(0, 1.5, (60, 4)), random.integers(0, 4, 60)),
        multiclass("ties", random.integers(-1, 2, (40, 3)), random.integers(0, 3, 40)),
        multiclass("a class without samples", random.normal(0, 1, (20, 3)), random.integers(0, 2, 20)),
        multiclass("two logits", random.normal(0, 1, (25, 2)), random.integers(0, 2, 25)),
        multiclass(
            "a class never answered",
            random.normal(0, 1, (30, 3)) - [0, 0, 50],
            random.integers(0, 3, 30),
        ),
    ],
}
with open("tests/fixtures/metrics.json", "w") as file:
    json.dump(fixture, file, indent=None, separators=(",", ":"))
    file.write("\n")
