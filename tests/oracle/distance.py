"""Writes tests/fixtures/distance.json: what scikit-learn (1.9.1) and NumPy say of shrunk
covariances and of Mahalanobis distances to the nearest class's mean, for test_rejection.c.

Run in the repository's root: python tests/oracle/distance.py
"""
import json

import numpy as np
from sklearn.covariance import LedoitWolf

MOST = 64
random = np.random.default_rng(5)


def f32(values):
    return np.round(np.asarray(values), 3).astype(np.float32)


def plain(values):
    return np.asarray(values, dtype=float).tolist()


def short(values):
    """float32 values with three digits behind the point, as few of them as say the same."""
    return [[round(float(v), 3) for v in row] for row in values]


def covariance(n, width):
    x = np.round(random.normal(size=(n, width)) @ random.normal(size=(width, width)), 3)
    fitted = LedoitWolf(assume_centered=True).fit(x)
    return {"x": short(x), "covariance": plain(fitted.covariance_), "shrinkage": fitted.shrinkage_}


def distances(n, width, classes, strong):
    """`strong` directions of large scatter, so that a basis of them is well determined."""
    labels = np.arange(n) % classes
    scale = np.where(np.arange(width) < strong, 3.0 / (1 + 0.1 * np.arange(width)), 0.02)
    turn = np.linalg.qr(random.normal(size=(width, width)))[0]
    rows = f32((random.normal(size=(n, width)) * scale) @ turn + random.normal(
        size=(classes, width))[labels])
    asked = f32(np.concatenate([rows[:6] + 0.1, random.normal(size=(6, width)) * 4]))
    x = rows.astype(float)
    means = np.stack([x[labels == c].mean(0) for c in range(classes)])
    centred = x - means[labels]
    if width > MOST:
        values, vectors = np.linalg.eigh(centred.T @ centred)
        basis = vectors[:, np.argsort(-values)[:MOST]]
    else:
        basis = np.eye(width)
    fitted = LedoitWolf(assume_centered=True).fit(centred @ basis)
    inverse = np.linalg.inv(fitted.covariance_)
    away = (asked.astype(float)[:, None] - means) @ basis
    squares = np.einsum("ick,kl,icl->ic", away, inverse, away)
    return {
        "rows": short(rows),
        "labels": labels.tolist(),
        "classes": classes,
        "asked": short(asked),
        "shrinkage": fitted.shrinkage_,
        "distances": plain(np.sqrt(squares.min(1))),
    }


fixture = {
    "covariances": [covariance(40, 5), covariance(6, 9), covariance(3, 1), covariance(200, 3)],
    "distances": [distances(60, 7, 2, 7), distances(45, 12, 3, 12), distances(10, 16, 2, 16),
                  distances(110, 68, 2, 64)],
}
with open("tests/fixtures/distance.json", "w", encoding="ascii") as out:
    text = json.dumps(fixture, separators=(",", ":"))
    out.write(text.replace('],"', '],\n"') + "\n")
