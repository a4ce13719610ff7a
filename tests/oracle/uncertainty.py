"""Writes tests/fixtures/uncertainty.json: what scikit-learn (1.9.1), SciPy and plain NumPy say of
DeLong's variances, calibration, temperatures, thresholds and logistic regressions, for
test_uncertainty.c.

Run in the repository's root: python tests/oracle/uncertainty.py
"""
import json

import numpy as np
from scipy import optimize, special, stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

random = np.random.default_rng(11)


def plain(values):
    return np.asarray(values).tolist()


def drawn(n, share, shift, digits=None):
    labels = (random.random(n) < share).astype(int)
    logits = random.normal(0, 1.5, n) + shift * (labels - 0.5)
    return (logits if digits is None else np.round(logits, digits)), labels


def delong(a, b, labels):
    """By the definition: every positive against every negative."""
    positive, negative = labels == 1, labels == 0

    def kernel(s):
        x, y = s[positive][:, None], s[negative][None, :]
        return (x > y) + 0.5 * (x == y)

    ka, kb = kernel(a), kernel(b)
    m, n = ka.shape
    tens = np.cov(np.vstack([ka.mean(1), kb.mean(1)]))
    ones = np.cov(np.vstack([ka.mean(0), kb.mean(0)]))
    s = tens / m + ones / n
    areas = [ka.mean(), kb.mean()]
    assert np.allclose(areas, [sk.roc_auc_score(labels, a), sk.roc_auc_score(labels, b)])
    z = (areas[0] - areas[1]) / np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    return {
        "a": plain(a),
        "b": plain(b),
        "labels": plain(labels),
        "areas": plain(areas),
        "variances": [s[0, 0], s[1, 1]],
        "covariance": s[0, 1],
        "z": z,
        "p": 2 * stats.norm.sf(abs(z)),
    }


def two_scores(n, digits):
    a, labels = drawn(n, 0.6, 2.0, digits)
    b = a + random.normal(0, 1, n)
    return delong(a, b if digits is None else np.round(b, digits), labels)


def reliability(n):
    logits, labels = drawn(n, 0.6, 1.5)
    p = special.expit(logits)
    bins = np.array_split(np.argsort(p, kind="stable"), 15)
    error = sum(abs(p[b].mean() - labels[b].mean()) * len(b) / n for b in bins)
    if n % 15 == 0:
        share, mean = calibration_curve(labels, p, n_bins=15, strategy="quantile")
        assert np.allclose(share, [labels[b].mean() for b in bins])
        assert np.allclose(mean, [p[b].mean() for b in bins])
    return {
        "p": plain(p),
        "labels": plain(labels),
        "error": error,
        "n": [len(b) for b in bins],
        "mean_p": [p[b].mean() for b in bins],
        "share": [labels[b].mean() for b in bins],
        "low": [p[b].min() for b in bins],
        "high": [p[b].max() for b in bins],
    }


def temperature(logits, labels, classes):
    rows = np.stack([np.zeros_like(logits), logits], 1) if classes == 2 else logits

    def loss(inverse):
        z = inverse * rows
        return np.mean(special.logsumexp(z, axis=1) - z[np.arange(len(z)), labels])

    def slope(inverse):
        p = special.softmax(inverse * rows, axis=1)
        return np.mean((p * rows).sum(1) - rows[np.arange(len(rows)), labels])

    inverse = optimize.brentq(slope, 1e-4, 1e3, xtol=1e-14, rtol=1e-14)
    near = optimize.minimize_scalar(loss, bounds=(1e-3, 1e2), method="bounded")
    assert abs(near.x / inverse - 1) < 1e-3
    return {
        "logits": plain(logits),
        "labels": plain(labels),
        "classes": classes,
        "temperature": 1 / inverse,
    }


def threshold(n, digits):
    logits, labels = drawn(n, 0.6, 1.5, digits)
    p = special.expit(logits)
    fpr, tpr, cut = sk.roc_curve(labels, p, drop_intermediate=False)
    k = np.argmax(tpr - fpr)
    wanted = 0.9
    found = np.argmax(tpr >= wanted)
    return {
        "p": plain(p),
        "labels": plain(labels),
        "youden": {"low": float(cut[k + 1]), "high": float(cut[k])},
        "wanted": wanted,
        "sensitivity": {"low": float(cut[found + 1]), "high": float(cut[found])},
    }


def logistic(n, measures):
    x = random.normal(0, 1, (n, measures)) * np.geomspace(0.01, 100, measures) + 3
    x[:, -1] = x[:, 0] * 50 + random.normal(0, 0.1, n)
    labels = (random.random(n) < special.expit(x[:, 0] * 100 - 300)).astype(int)
    scaled = StandardScaler().fit_transform(x)
    fitted = LogisticRegression(C=1, tol=1e-12, max_iter=10000, solver="newton-cholesky")
    fitted.fit(scaled, labels)
    return {
        "x": plain(x),
        "labels": plain(labels),
        "weights": plain(fitted.coef_[0]),
        "bias": float(fitted.intercept_[0]),
        "logits": plain(fitted.decision_function(scaled)),
    }


cold, cold_labels = drawn(80, 0.5, 2.0)
classes = random.integers(0, 4, 90)
temperatures = [
    temperature(*drawn(120, 0.6, 1.0), 2),
    temperature(0.2 * cold, cold_labels, 2),
    temperature(random.normal(0, 2, (90, 4)) + 3 * np.eye(4)[classes], classes, 4),
]
degrees = [1, 2, 3, 4, 7, 12, 29, 100, 6999]
fixture = {
    "delong": [two_scores(60, None), two_scores(80, 0), two_scores(25, 1)],
    "reliability": [reliability(90), reliability(97), reliability(15)],
    "temperature": temperatures,
    "threshold": [threshold(70, None), threshold(90, 1)],
    "logistic": [logistic(60, 3), logistic(80, 10)],
    "student": [[d, float(stats.t.ppf(0.975, d)), float(stats.t.cdf(1.3, d))] for d in degrees],
}
with open("tests/fixtures/uncertainty.json", "w") as file:
    json.dump(fixture, file, separators=(",", ":"))
    file.write("\n")
