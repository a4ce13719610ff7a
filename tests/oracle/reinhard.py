"""Writes tests/fixtures/stain.json and stain.png: colours in L*a*b* and a cell brought to another
stain, by scikit-image (0.26.0), for test_stain.c.

Run in the repository's root: python tests/oracle/reinhard.py
"""
import json

import numpy as np
from PIL import Image
from skimage.color import lab2rgb, rgb2lab
from skimage.measure import label

FIXTURES = "tests/fixtures/"
TARGET = {"mean": [34.0, 31.5, -29.25], "deviation": [9.5, 4.25, 5.5]}

rng = np.random.default_rng(11)
colours = np.concatenate(
    [rng.integers(0, 256, (40, 3)), rng.integers(0, 14, (8, 3)), [[0, 0, 0], [255, 255, 255]]]
).astype(np.uint8)
lab = rgb2lab(colours[None])[0]

cell = np.asarray(Image.open(FIXTURES + "resize_128.png").convert("RGB"))
mask = cell.max(axis=2) >= 16
pieces = label(mask, connectivity=1)
assert pieces.max() == 1 and label(~mask, connectivity=1).max() == 1, "one piece without holes"
cell_lab = rgb2lab(cell)
inside = cell_lab[mask]
mean, deviation = inside.mean(axis=0), inside.std(axis=0)
moved = (inside - mean) / deviation * TARGET["deviation"] + TARGET["mean"]
out = cell.copy()
out[mask] = np.rint(255 * lab2rgb(moved[None])[0])
Image.fromarray(out).save(FIXTURES + "stain.png", optimize=True)
with open(FIXTURES + "stain.json", "w") as file:
    json.dump(
        {
            "colours": [
                {"rgb": [int(v) for v in c], "lab": [float(v) for v in l]}
                for c, l in zip(colours, lab)
            ],
            "target": TARGET,
            "mean": mean.tolist(),
            "deviation": deviation.tolist(),
        },
        file,
        indent=1,
    )
    file.write("\n")
