"""Resizes pictures with the libraries whose bits ours are to be, for resize_reference_test.

usage: reference_resize.py FOLDER

FOLDER/cases.txt has lines "METHOD NAME WIDTH HEIGHT"; NAME.png becomes NAME.METHOD.png. METHOD is
bicubic (Pillow) or area (OpenCV). Exits with 77 when a library is missing.
"""

import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
for line in (folder / "cases.txt").read_text().splitlines():
    method, name, width, height = line.split()
    size = int(width), int(height)
    source, target = str(folder / f"{name}.png"), str(folder / f"{name}.{method}.png")
    try:
        if method == "bicubic":
            from PIL import Image, __version__

            if int(__version__.split(".")[0]) < 13:
                raise ImportError("Pillow is older than 13")
            Image.open(source).resize(size, Image.Resampling.BICUBIC).save(target)
        else:
            import cv2

            picture = cv2.imread(source, cv2.IMREAD_UNCHANGED)
            cv2.imwrite(target, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    except ImportError as missing:
        print(missing)
        sys.exit(77)
