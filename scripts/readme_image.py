"""Draws docs/images/quickstart.png: input images of a run beside what it generated from them.

usage: .venv/bin/python scripts/readme_image.py RUN OUTPUT.png     after scripts/setup.sh --tests

RUN is the folder of an evaluated run. The first assets of each split in their order, none left out.
"""

import json
import pathlib
import struct
import sys

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROWS, CELL, GAP, MARGIN, TOP, LABEL = 4, 148, 6, 14, 66, 32
FINER = 4  # drawn so many times larger, then averaged
APART = 0.45  # of a component's distance from the asset's centre, in the last column
INK, SOFT_INK = (34, 37, 43), (91, 96, 107)
PANELS = (("train", "assets trained on"), ("test", "assets not trained on"))
COLUMNS = ("input image", "generated", "the same, moved apart")


def components_of(path):
    """Of a GLB that moca wrote: vertices [V, 3], faces [F, 3] and RGB of every node with a mesh."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    gltf, binary = json.loads(data[20:20 + length]), data[28 + length:]

    def array(index, kind):
        accessor = gltf["accessors"][index]
        view = gltf["bufferViews"][accessor["bufferView"]]
        flat = np.frombuffer(binary, kind, view["byteLength"] // 4, view["byteOffset"])
        return flat.reshape(-1, 3)

    for node in gltf["nodes"]:
        if "mesh" in node:
            (part,) = gltf["meshes"][node["mesh"]]["primitives"]
            material = gltf["materials"][part["material"]]["pbrMetallicRoughness"]
            yield (array(part["attributes"]["POSITION"], "<f4"), array(part["indices"], "<u4"),
                   np.array(material["baseColorFactor"][:3]))


def moved_apart(components):
    corners = np.concatenate([vertices for vertices, _, _ in components])
    center = (corners.max(0) + corners.min(0)) / 2
    for vertices, faces, color in components:
        yield vertices + APART * ((vertices.max(0) + vertices.min(0)) / 2 - center), faces, color


def axes_of(view):
    """Right, up and back of the camera that the input image was taken with, [3, 3]."""
    azimuth, elevation = np.radians([view["azimuth"], view["elevation"]])
    right = [np.cos(azimuth), 0, -np.sin(azimuth)]
    back = [np.cos(elevation) * np.sin(azimuth), np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth)]
    return np.array([right, np.cross(back, right), back])


def render(components, view):
    """Orthographic, as large as the cell allows; the faces from the farthest to the nearest."""
    size = CELL * FINER
    canvas = np.full((size, size, 3), 255, np.uint8)
    triangles, colors = [], []
    for vertices, faces, color in components:
        corners = (vertices @ axes_of(view).T)[faces]  # [F, 3 corners, 3]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        light = 0.5 + 0.5 * np.clip(normals @ np.array([-0.35, 0.6, 0.72]), 0, 1)
        triangles.append(corners)
        colors.append(255 * np.clip(light[:, None] * color, 0, 1))
    if triangles:
        triangles, colors = np.concatenate(triangles), np.concatenate(colors)
        low, high = (limit(triangles[..., :2].reshape(-1, 2), 0) for limit in (np.min, np.max))
        scale = 0.94 * size / (high - low).max()
        pixels = (triangles[..., :2] - (low + high) / 2) * [scale, -scale] + size / 2
        for index in np.argsort(triangles[..., 2].mean(1)):
            cv2.fillConvexPoly(canvas, np.round(pixels[index] * 16).astype(np.int32),
                               colors[index].tolist(), cv2.LINE_AA, shift=4)
    return Image.fromarray(cv2.resize(canvas, (CELL, CELL), interpolation=cv2.INTER_AREA))


def cells_of(folder, view):
    components = list(components_of(folder / "asset.glb"))
    yield Image.open(folder / "image.png").convert("RGB").resize((CELL, CELL), Image.BICUBIC)
    yield render(components, view)
    yield render(moved_apart(components), view)


def draw(run):
    evaluation = json.loads((run / "evaluation" / "evaluation.json").read_text())
    panel = len(COLUMNS) * (CELL + GAP)
    sheet = Image.new("RGB", (2 * panel + 3 * MARGIN, TOP + ROWS * (CELL + LABEL)), "white")
    ink, font, small = ImageDraw.Draw(sheet), *map(ImageFont.load_default, (17, 13))
    for number, (split, title) in enumerate(PANELS):
        left = MARGIN + number * (panel + MARGIN)
        assets = [asset for asset in evaluation["assets"] if asset["split"] == split]
        ink.text((left, 10), f"{title} (the first {ROWS} of {len(assets)})", INK, font)
        for column, name in enumerate(COLUMNS):
            ink.text((left + column * (CELL + GAP), 40), name, SOFT_INK, small)
        for row, asset in enumerate(assets[:ROWS]):
            top = TOP + row * (CELL + LABEL)
            folder = run / "evaluation" / asset["id"]
            for column, cell in enumerate(cells_of(folder, asset["views"][0])):
                sheet.paste(cell, (left + column * (CELL + GAP), top))
            ink.text((left, top + CELL + 1), f"{asset['components']} components, F@0.1 "
                     f"{asset['generated']['f_score_0.1']:.2f}", SOFT_INK, small)
    return sheet


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    draw(pathlib.Path(sys.argv[1])).quantize(256).save(sys.argv[2], optimize=True)
