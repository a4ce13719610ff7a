"""Writes tests/fixtures/kinds/: a small drawn cell in the rarer kinds of image files, with the hash of
the pixels that are expected (Pillow 13.0.0; transparency on black, 16 bits reduced to the upper 8),
for test_image.c; and tests/fixtures/resize_input.jpg.

Run in the repository's root: python tests/oracle/image_kinds.py
"""
import hashlib
import json
import os
import struct

import numpy as np
from PIL import Image

FIXTURES = "tests/fixtures/"
KINDS = FIXTURES + "kinds/"
expected = {}


def pixel_hash(image):
    """As image_pixel_hash: width, height, RGB."""
    return hashlib.sha256(struct.pack("<II", *image.size) + image.tobytes()).hexdigest()


def save(name, image, rgb=None, **options):
    image.save(KINDS + name, **options)
    expected[name] = pixel_hash(rgb or Image.open(KINDS + name).convert("RGB"))


os.makedirs(KINDS, exist_ok=True)
large = Image.open(FIXTURES + "resize_input.png").convert("RGB")
large.save(FIXTURES + "resize_input.jpg", quality=90)
cell = large.resize((30, 22), Image.Resampling.BILINEAR)
values = np.asarray(cell)
alpha = np.tile(np.linspace(0, 255, 30).astype(np.uint8), (22, 1))
rgba = Image.fromarray(np.dstack([values, alpha]))
grey = cell.convert("L")
grey16 = np.asarray(grey).astype(np.uint16) * 256 + 77
few = cell.quantize(13)
alpha3 = np.repeat(alpha[:, :, None], 3, axis=2).astype(int)
on_black = Image.fromarray(((values * alpha3 + 127) // 255).astype(np.uint8))
grey_alpha = Image.merge("LA", (grey, Image.fromarray(alpha)))
grey_on_black = Image.fromarray(((np.asarray(grey.convert("RGB")) * alpha3 + 127) // 255).astype(np.uint8))
holes = np.asarray(few.convert("RGB")) * (np.asarray(few) != 3)[:, :, None]
bits = grey.point(lambda v: 255 if v > 40 else 0).convert("1")

save("rgba.png", rgba, on_black)
save("grey_alpha.png", grey_alpha, grey_on_black)
save("holes.png", few, Image.fromarray(holes.astype(np.uint8)), transparency=3)
save("grey.png", grey)
save("grey16.png", Image.fromarray(grey16), grey.convert("RGB"))
save("palette.png", few)
save("bits.png", bits)
save("grey.jpg", grey)
save("progressive.jpg", cell, quality=90, progressive=True)
save("grey_alpha.tif", grey_alpha, grey_on_black)
save("rgba.tif", rgba, on_black, compression="tiff_adobe_deflate")
save("lzw.tif", cell, compression="tiff_lzw")
save("grey.tif", grey)
save("rgba.webp", rgba, on_black, lossless=True, exact=True)
save("palette.bmp", few)
save("rgba.bmp", rgba, cell)
save("bits.bmp", bits)

# Adam7 and rows from top to bottom are written by no common program; made by hand.
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2)]
rows = b"".join(b"\0" + values[y, x0::dx].tobytes() for x0, y0, dx, dy in passes
                for y in range(y0, 22, dy) if x0 < 30)
with open(KINDS + "laced.png", "wb") as out:
    out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30, 22, 8, 2, 0, 0, 1)) +
              chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"IDAT", zlib.compress(rows)) +
              chunk(b"IEND", b""))
expected["laced.png"] = pixel_hash(cell)

body = b"".join(row[:, ::-1].tobytes() + b"\0\0" for row in values)
with open(KINDS + "top_down.bmp", "wb") as out:
    out.write(b"BM" + struct.pack("<IHHI", 54 + len(body) + 5, 0, 0, 54) +
              struct.pack("<IiiHHIIiiII", 40, 30, -22, 1, 24, 0, 0, 0, 0, 0, 0) + body + b"spare")
expected["top_down.bmp"] = pixel_hash(cell)

with open(KINDS + "kinds.json", "w") as out:
    json.dump(expected, out, indent=1)
    out.write("\n")
