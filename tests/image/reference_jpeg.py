"""Writes JPEGs of many kinds and, as PNG, what Pillow decodes them to; for jpeg_decoder_test.

usage: reference_jpeg.py FOLDER

FOLDER/NAME.jpg and FOLDER/NAME.png. Exits with 77 when Pillow or numpy is missing.
"""

import itertools
import pathlib
import sys

try:
    import numpy
    from PIL import Image
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder = pathlib.Path(sys.argv[1])
random = numpy.random.default_rng(3)


def picture(width, height, mode):
    """Waves with noise: smooth areas, edges and every colour."""
    y, x = numpy.mgrid[:height, :width]
    channels = [128 + 90 * numpy.sin((x * (c + 2) + y * (5 - c)) / 17) for c in range(3)]
    values = numpy.stack(channels, -1) + random.normal(0, 25, (height, width, 3))
    values = values.clip(0, 255).astype(numpy.uint8)
    return Image.fromarray(values if mode == "RGB" else values[..., 0].copy(), mode)


sizes = [(1, 1), (8, 8), (17, 33), (64, 47), (121, 90)]
options = itertools.product(sizes, ["RGB", "L"], [0, 1, 2], [30, 75, 95], [False, True])
for index, (size, mode, subsampling, quality, progressive) in enumerate(options):
    name = folder / (f"{size[0]}x{size[1]}_{mode}_subsampling{subsampling}_quality{quality}"
                     f"{'_progressive' if progressive else ''}")
    restart = {"restart_marker_blocks": 3} if index % 4 == 0 else {}
    picture(*size, mode).save(name.with_suffix(".jpg"), quality=quality, subsampling=subsampling,
                              progressive=progressive, optimize=index % 3 == 0, **restart)
    Image.open(name.with_suffix(".jpg")).save(name.with_suffix(".png"))
