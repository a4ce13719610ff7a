#!/usr/bin/env python3
"""Cuts the white cells out of blood-smear fields, as C-NMC shows its cells: on black, 450 x 450.

  bench/white_cells.py BCCD OUT

BCCD: the folder with JPEGImages and Annotations (github.com/Shenggan/BCCD_Dataset). Writes OUT/as_is
and OUT/scaled, where each cell has the median area of C-NMC's. Needs NumPy, SciPy and Pillow."""
import glob
import os
import sys
import xml.etree.ElementTree as xml

import numpy as np
from PIL import Image
from scipy import ndimage

SIDE, AREA, MARGIN = 450, 33341, 6


def otsu(values):
    counts, edges = np.histogram(values, 256)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * middles)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return middles[np.nanargmax(between)]


def cell_mask(pixels):
    """Where the stained cell is: the span of the channels tells the nucleus from what is pale."""
    span = pixels.max(2).astype(int) - pixels.min(2)
    mask = ndimage.binary_opening(span > otsu(span), iterations=2)
    mask = ndimage.binary_closing(np.pad(mask, 20), iterations=12)[20:-20, 20:-20]
    labels, count = ndimage.label(ndimage.binary_fill_holes(mask))
    if count == 0:
        return None
    largest = 1 + np.argmax(ndimage.sum_labels(np.ones_like(labels), labels, range(1, count + 1)))
    return ndimage.binary_dilation(labels == largest, iterations=MARGIN)


def on_black(cell):
    out = np.zeros((SIDE, SIDE, 3), np.uint8)
    cell = cell[:SIDE, :SIDE]
    top, left = (SIDE - cell.shape[0]) // 2, (SIDE - cell.shape[1]) // 2
    out[top:top + cell.shape[0], left:left + cell.shape[1]] = cell
    return Image.fromarray(out)


def boxes(path):
    for item in xml.parse(path).iter("object"):
        if item.findtext("name") == "WBC":
            box = item.find("bndbox")
            yield [int(box.findtext(side)) for side in ("xmin", "ymin", "xmax", "ymax")]


def main(source, out):
    for folder in ("as_is", "scaled"):
        os.makedirs(f"{out}/{folder}", exist_ok=True)
    written = 0
    for path in sorted(glob.glob(f"{source}/Annotations/*.xml")):
        name = os.path.splitext(os.path.basename(path))[0]
        field = np.asarray(Image.open(f"{source}/JPEGImages/{name}.jpg").convert("RGB"))
        height, width = field.shape[:2]
        for k, (left, top, right, bottom) in enumerate(boxes(path)):
            if left <= 1 or top <= 1 or right >= width - 1 or bottom >= height - 1:
                continue
            pixels = field[top:bottom, left:right]
            mask = cell_mask(pixels)
            if mask is None:
                continue
            cell = pixels * mask[..., None]
            by = (AREA / mask.sum()) ** 0.5
            size = (round(cell.shape[1] * by), round(cell.shape[0] * by))
            on_black(cell).save(f"{out}/as_is/{name}_{k}.png")
            scaled = Image.fromarray(cell).resize(size, Image.BICUBIC)
            on_black(np.asarray(scaled)).save(f"{out}/scaled/{name}_{k}.png")
            written += 1
    print(f"{written} cells")


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
