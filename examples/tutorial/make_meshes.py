"""Writes 16 small tables and chairs as OBJ files, one object for each component.

usage: python3 examples/tutorial/make_meshes.py FOLDER
"""

import pathlib
import random
import sys

FACES = ((0, 4, 6, 2), (1, 3, 7, 5), (0, 1, 5, 4), (2, 6, 7, 3), (0, 2, 3, 1), (4, 5, 7, 6))


def boxes(index):
    """Name, lowest and highest corner and colour of every component."""
    draw = random.Random(index)
    width, depth, height = (draw.uniform(*span) for span in ((0.8, 1.6), (0.8, 1.2), (0.5, 1.0)))
    leg, plate = draw.uniform(0.1, 0.2), draw.uniform(0.1, 0.2)
    yield "top", (0, height, 0), (width, height + plate, depth), (0.8, 0.5, 0.2)
    for number, (x, z) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        low = (x * (width - leg), 0, z * (depth - leg))
        yield f"leg_{number}", low, (low[0] + leg, height, low[2] + leg), (0.2, 0.3, 0.6)
    if index % 2:  # a chair
        yield "back", (0, height + plate, 0), (width, 2 * height + plate, leg), (0.7, 0.2, 0.2)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(16):
        lines, count = [], 0
        for name, low, high, color in boxes(index):
            lines.append(f"o {name}")
            for corner in range(8):
                place = ((low, high)[corner >> axis & 1][axis] for axis in range(3))
                lines.append("v " + " ".join(f"{number:.4f}" for number in (*place, *color)))
            lines += ["f " + " ".join(str(count + corner + 1) for corner in face) for face in FACES]
            count += 8
        path = folder / f"{('table', 'chair')[index % 2]}_{index:02d}.obj"
        path.write_text("\n".join(lines) + "\n")
    print(f"wrote 16 files to {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
