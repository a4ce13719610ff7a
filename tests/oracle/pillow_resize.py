"""Writes tests/fixtures/resize.json and resize_*.png: Pillow's (13.0.0) decoding and bilinear
resizing, for test_image.c.

Run in the repository's root: python tests/oracle/pillow_resize.py [DRAWN.png]
DRAWN.png, one cell of `leuko data synth`, makes the small input anew. With LEUKO_SHARED set, hashes of
what Pillow makes of a few real cells are written too (hashes only: no pixel of them goes in here).
"""
import hashlib
import json
import os
import struct
import sys

from PIL import Image

FIXTURES = "tests/fixtures/"
SIZES = [(32, 32), (41, 41), (89, 91), (90, 45), (30, 90), (1, 1), (7, 200), (128, 128), (181, 179)]
WRITTEN = [(32, 32), (41, 41), (128, 128)]
REAL = [
    "cnmc-sample/training_data/fold_0/hem/UID_H15_1_1_hem.bmp",
    "cnmc-sample/training_data/fold_0/hem/UID_H12_8_3_hem.jpg",
    "cnmc-sample/testing_data/C-NMC_test_final_phase_data/1.bmp",
    "cnmc-sample/validation_data/C-NMC_test_prelim_phase_data/1002.bmp",
    "cnmc/training_data/fold_0/hem/UID_H7_15_2_hem.jpg",
    "bccd/JPEGImages/BloodImage_00001.jpg",
]


def pixel_hash(image):
    """As image_pixel_hash: width, height, RGB."""
    return hashlib.sha256(struct.pack("<II", *image.size) + image.tobytes()).hexdigest()


def resized(image, size):
    return image.resize(size, Image.Resampling.BILINEAR)


def centre(image, crop):
    """The central square; Pillow fills with black what lies outside."""
    x, y = (int((side - crop) / 2) for side in image.size)
    return image.crop((x, y, x + crop, y + crop))


if len(sys.argv) > 1:
    resized(centre(Image.open(sys.argv[1]).convert("RGB"), 270), (90, 90)).save(
        FIXTURES + "resize_input.png", optimize=True)
cell = Image.open(FIXTURES + "resize_input.png").convert("RGB")
for size in WRITTEN:
    resized(cell, size).save(FIXTURES + "resize_%d.png" % size[0], optimize=True)
drawn = [{"width": w, "height": h, "sha256": pixel_hash(resized(cell, (w, h)))} for w, h in SIZES]
crops = [
    {"crop": c, "size": s, "sha256": pixel_hash(resized(centre(cell, c), (s, s)))}
    for c, s in [(60, 32), (61, 61), (90, 41), (89, 32), (100, 50), (121, 64)]
]
real = []
shared = os.environ.get("LEUKO_SHARED")
if shared:
    for path in REAL:
        picture = Image.open(os.path.join(shared, "data", path)).convert("RGB")
        real.append({
            "path": path,
            "decoded": pixel_hash(picture),
            "resized": {str(s): pixel_hash(resized(picture, (s, s))) for s in (64, 128, 224)},
            "cropped": pixel_hash(resized(centre(picture, 300), (128, 128))),
        })
with open(FIXTURES + "resize.json", "w") as out:
    json.dump({"drawn": drawn, "crops": crops, "real": real}, out, indent=1)
    out.write("\n")
