"""Writes tests/fixtures/corrupt.png: a small drawn cell and below it what NumPy, SciPy (1.17.1),
scikit-image (0.26.0) and Pillow (13.0.0) make of it, in the order of RESULTS, for test_corrupt.c.

Run in the repository's root: python tests/oracle/corrupt.py
The cell is that of resize_128.png (`leuko data synth`), made smaller and off its middle.
"""
import io

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import lab2rgb, rgb2lab

FIXTURES = "tests/fixtures/"


def to_bytes(values):
    return np.floor(np.clip(values, 0, 255) + 0.5).astype(np.uint8)


def turned(cell, degrees, scale):
    """By that angle clockwise and to that scale, about the centre; black beyond the picture."""
    angle = np.radians(degrees)
    # From a place (row, column) in the result to that in the picture.
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    centre = (np.array(cell.shape[:2]) - 1) / 2
    return to_bytes(
        np.stack(
            [
                ndimage.affine_transform(
                    cell[..., c].astype(float), back, centre - back @ centre, order=1,
                    mode="grid-constant",
                )
                for c in range(3)
            ],
            axis=2,
        )
    )


def blurred(cell, deviation):
    out = cell.astype(float)
    for axis in (0, 1):
        out = ndimage.gaussian_filter1d(out, deviation, axis=axis, mode="nearest", truncate=3)
    return to_bytes(out)


def crushed(cell, quality):
    memory = io.BytesIO()
    Image.fromarray(cell).save(memory, "JPEG", quality=quality)
    return np.asarray(Image.open(memory))


def hue(cell, degrees):
    lab, angle = rgb2lab(cell), np.radians(degrees)
    a, b = lab[..., 1].copy(), lab[..., 2].copy()
    lab[..., 1] = np.cos(angle) * a - np.sin(angle) * b
    lab[..., 2] = np.sin(angle) * a + np.cos(angle) * b
    return np.rint(255 * lab2rgb(lab)).astype(np.uint8)


def lit(cell, factor):
    return to_bytes(cell * factor)


def stained(cell, factor):
    """Optical density times a factor."""
    return to_bytes(255 * (cell / 255) ** factor)


RESULTS = [
    (turned, 30, 1), (turned, 90, 1), (turned, 0, 0.7), (turned, 0, 1.35), (blurred, 1),
    (blurred, 4), (crushed, 80), (crushed, 10), (hue, 20), (hue, 180), (lit, 0.65), (lit, 1.5),
    (stained, 0.5), (stained, 2), (lambda cell: 255 - cell,),
]

cell = np.asarray(
    Image.open(FIXTURES + "resize_128.png").convert("RGB").resize((52, 44), Image.BILINEAR)
)
cell = np.roll(cell, (3, -4), axis=(0, 1))
rows = [cell] + [make(cell, *amounts) for make, *amounts in RESULTS]
Image.fromarray(np.concatenate(rows)).save(FIXTURES + "corrupt.png", optimize=True)
