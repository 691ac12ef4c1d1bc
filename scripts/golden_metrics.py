"""Metrics of tiny scenes for golden_fixtures.py: closed forms, brute force, fine grids of points."""

import json

import numpy as np

from plain_models import metrics

PITCH = 2 / 64
POINTS = 204800  # the default of evaluation.metrics.num_points
GRID = 128  # coordinates are whole multiples of 1 / GRID, which text holds exactly


def closed_forms():
    def sphere(radius, x=0.0):
        return {"kind": "sphere", "centre": [x, 0, 0], "radius": radius}

    def square(z):
        return {"kind": "square", "side": 1.0, "z": z}

    def expect(forth, back, f_0_1, f_0_05, squares=None):
        values = {"cd": forth + back, "cd_alt_mean_of_directions": (forth + back) / 2,
                  "f_0_1": f_0_1, "f_0_05": f_0_05}
        return values if squares is None else values | {"cd_alt_squared_sum": squares}

    t, gap = 0.2, 0.07
    return [
        # The distance |p - c| to the other centre has the density rho / (2 r t) on [r - t, r + t].
        {"name": "translated_sphere", "a": sphere(0.7), "b": sphere(0.7, t),
         "expect": expect(t / 2, t / 2, 0.1 / t, 0.05 / t, 2 * t**2 / 3)},
        {"name": "concentric_spheres", "a": sphere(0.6), "b": sphere(0.6 + gap),
         "expect": expect(gap, gap, 1.0, 0.0, 2 * gap**2)},
        {"name": "parallel_squares", "a": square(0.0), "b": square(0.04),
         "expect": expect(0.04, 0.04, 1.0, 1.0, 2 * 0.04**2)},
    ]


def voxel_boxes():
    cases = {"overlap": ([[-0.5, -0.5, -0.5], [0, 0, 0]], [[-0.25, -0.25, -0.25], [0.25, 0.25, 0.25]]),
             "touching": ([[-0.5, -0.25, -0.25], [0, 0.25, 0.25]], [[0, -0.25, -0.25], [0.5, 0.25, 0.25]]),
             "apart": ([[-0.5, 0, 0], [0, 0.5, 0.5]], [[0.0625, 0, 0], [0.5, 0.5, 0.5]])}
    entries = []
    for name, (a, b) in cases.items():
        a, b = (np.rint(np.array(box) / PITCH).astype(int) for box in (a, b))
        counts = [int((box[1] - box[0] + 1).prod()) for box in (a, b)]
        shared = int((np.minimum(a[1], b[1]) - np.maximum(a[0], b[0]) + 1).clip(0).prod())
        entries.append({"name": name, "a": (a * PITCH).tolist(), "b": (b * PITCH).tolist(),
                        "voxels": counts, "iou_partcrafter": shared / (sum(counts) - shared)})
    return entries


def boxes_of(*rows):
    return np.array(rows, float).reshape(-1, 2, 3) / GRID


# A table: normalised, without symmetry, all of its numbers in 1 / 128.
TABLE = boxes_of([-128, 30, -70, 128, 52, 64], [-110, -90, -60, -84, 30, -37],
                 [70, -90, 20, 101, 30, 49], [-30, 52, -20, 40, 90, 17])
# Lower, shorter and moved, so that hardly any point lies on the other's surface.
MOVED = boxes_of([-115, 19, -61, 116, 41, 57], [-99, -85, -51, -75, 19, -30],
                 [61, -80, 28, 88, 19, 55], [-17, 41, -11, 51, 77, 24])


def box_mesh(box):
    low, high = box
    corners = np.array([[(low, high)[i >> a & 1][a] for a in range(3)] for i in range(8)])
    faces = [(0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4),
             (2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5)]
    return corners, np.array(faces)


def tetrahedron(rows):
    faces = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)]
    return np.array(rows, float) / GRID, np.array(faces)


def write_obj(file, meshes):
    lines, first = [], 1
    for index, (vertices, faces) in enumerate(meshes):
        lines.append(f"o part_{index}")
        lines += ["v " + " ".join(f"{x:.7f}" for x in vertex) for vertex in vertices]
        lines += ["f " + " ".join(str(i + first) for i in face) for face in faces]
        first += len(vertices)
    file.write_text("\n".join(lines) + "\n")


def write_points(file, points):
    header = (f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
              "property float x\nproperty float y\nproperty float z\nend_header\n")
    file.write_bytes(header.encode() + points.astype("<f4").tobytes())


def points_exact(folder, random):
    a = random.uniform(-1, 1, (240, 3)).astype(np.float32)
    b = (a[:170] + 0.06 * random.standard_normal((170, 3))).astype(np.float32)
    write_points(folder / "meshes/cloud_a.ply", a)
    write_points(folder / "meshes/cloud_b.ply", b)
    a, b = a.astype(float), b.astype(float)
    expected = metrics.comparison(metrics.point_distances(a, b), metrics.point_distances(b, a))
    return [{"name": "clouds", "a": "meshes/cloud_a.ply", "b": "meshes/cloud_b.ply",
             "expect": expected}]


def scene_pairs(folder):
    write_obj(folder / "meshes/table.obj", map(box_mesh, TABLE))
    write_obj(folder / "meshes/moved.obj", map(box_mesh, MOVED))
    reference = metrics.normalised(TABLE, frame_of=TABLE)
    cases = {"as_is": metrics.normalised(MOVED, frame_of=TABLE),
             "pred_renormalised": metrics.normalised(MOVED, frame_of=MOVED)}
    expected = {}
    for key, prediction in cases.items():
        values = metrics.compare_boxes(prediction, reference, POINTS)
        expected[key] = values | {"cd": {"mean": values["cd"]}}
    return [{"name": "table", "gt": "meshes/table.obj", "pred": "meshes/moved.obj",
             "pred_components": len(MOVED)} | expected]


def alignment():
    """The table turned by a quarter and then by so many degrees more."""
    turned, yaw, count = TABLE, {}, 50000
    for degrees in (0, 90, 180, 270):
        turned = metrics.quarter_turn(turned)
        values = metrics.compare_boxes(turned, TABLE, count)
        yaw[str(degrees)] = {key: values[key] for key in ("cd", "f_0_1", "f_0_05")}
    return {"mesh": "meshes/table.obj", "n_points": count, "yaw": yaw}


def self_iou(folder):
    scenes = {
        "boxes": [box_mesh(box) for box in boxes_of(
            [-64, -60, -30, 10, 20, 33], [0, -16, -17, 62, 50, 40], [70, 70, 70, 90, 99, 100])],
        "tetrahedra": [tetrahedron(rows) for rows in (
            [[-70, -60, -50], [61, -33, -41], [5, 64, -30], [-9, 7, 77]],
            [[-20, -60, 30], [81, -45, 41], [35, 44, 9], [19, -3, -70]])]}
    # The side at high x is missing: a hollow box.
    vertices, faces = box_mesh(boxes_of([-40, -40, -40, 40, 40, 40])[0])
    scenes["open"] = [(vertices, faces[:-2]), scenes["tetrahedra"][0]]
    entries = []
    for name, meshes in scenes.items():
        write_obj(folder / f"meshes/{name}.obj", meshes)
        voxels = [metrics.filled_voxels(v[f], PITCH) for v, f in meshes]
        pairs = [metrics.iou(voxels[i], voxels[j])
                 for i in range(len(voxels)) for j in range(i + 1, len(voxels))]
        entries.append({"name": name, "mesh": f"meshes/{name}.obj",
                        "voxel_counts": [len(v) for v in voxels], "pair_ious_row_major": pairs,
                        "mean": float(np.mean(pairs)), "max": max(pairs)})
    return entries


def write_metrics(folder):
    (folder / "meshes").mkdir(exist_ok=True)
    contents = {"reference": "scripts/golden_metrics.py", "closed_form": closed_forms(),
                "voxel_boxes": voxel_boxes(),
                "points_exact": points_exact(folder, np.random.default_rng(20)),
                "mesh_pairs": scene_pairs(folder), "alignment": alignment(),
                "self_iou": self_iou(folder)}
    (folder / "metrics.json").write_text(json.dumps(contents, indent=1) + "\n")
