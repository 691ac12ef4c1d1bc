"""Distances and overlaps of shapes made of boxes and triangles, by formulas and brute force in double.

PartCrafter's conventions: the Chamfer distance is the sum of both directions' mean distances, the
F-score counts distances strictly below its threshold, self-IoU compares filled voxel sets.
"""

import math

import numpy as np
import torch


def point_distances(a, b):
    """From every point of a [n, 3] to the nearest of b."""
    return np.array([np.sqrt(((b - point)**2).sum(1).min()) for point in a])


def f_score(forth, back, threshold, weight_forth=None, weight_back=None):
    precision = np.average(forth < threshold, weights=weight_forth)
    recall = np.average(back < threshold, weights=weight_back)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def comparison(forth, back, weight_forth=None, weight_back=None):
    """The metrics of the distances of both directions, each with the weights of its points."""
    there, again = np.average(forth, weights=weight_forth), np.average(back, weights=weight_back)
    squared = (np.average(forth**2, weights=weight_forth)
               + np.average(back**2, weights=weight_back))
    return {"cd": there + again, "cd_alt_mean_of_directions": (there + again) / 2,
            "cd_alt_squared_sum": squared,
            "f_0_1": f_score(forth, back, 0.1, weight_forth, weight_back),
            "f_0_05": f_score(forth, back, 0.05, weight_forth, weight_back)}


def distance_to_boxes(points, boxes):
    """To the nearest point of any box's surface; boxes [n, 2, 3], points [P, 3]."""
    nearest = np.full(len(points), np.inf)
    for low, high in boxes:
        beyond = np.maximum(np.maximum(low - points, points - high), 0)
        outside = np.sqrt((beyond**2).sum(1))
        depth = np.minimum(points - low, high - points).min(1)  # below 0 outside
        nearest = np.minimum(nearest, np.where(depth > 0, depth, outside))
    return nearest


def box_surface_grid(boxes, step):
    """Middles of small rectangles that cover all the boxes' sides, and their areas."""
    points, areas = [], []
    for low, high in boxes:
        for axis in range(3):
            u, v = (a for a in range(3) if a != axis)
            sides = high - low
            counts = [max(1, int(np.ceil(sides[a] / step))) for a in (u, v)]
            along = [low[a] + (np.arange(n) + 0.5) * sides[a] / n for a, n in zip((u, v), counts)]
            grid = np.stack(np.meshgrid(*along, indexing="ij"), -1).reshape(-1, 2)
            for end in (low[axis], high[axis]):
                face = np.empty((len(grid), 3))
                face[:, axis], face[:, u], face[:, v] = end, grid[:, 0], grid[:, 1]
                points.append(face)
                areas.append(np.full(len(grid), sides[u] * sides[v] / len(grid)))
    return np.concatenate(points), np.concatenate(areas)


def to_nearest_sample(distance, density):
    """The mean distance to the nearest of randomly spread points of so many per area, on a surface
    at this distance: no point is nearer than x with the probability exp(-pi density (x^2 - d^2))."""
    scaled = torch.from_numpy(math.sqrt(math.pi * density) * distance)
    return distance + torch.special.erfcx(scaled).numpy() / (2 * math.sqrt(density))


def compare_boxes(prediction, reference, count, step=0.01):
    """The metrics between two scenes of boxes, each sampled by `count` points."""
    points, areas = box_surface_grid(prediction, step)
    others, other_areas = box_surface_grid(reference, step)
    forth = to_nearest_sample(distance_to_boxes(points, reference), count / other_areas.sum())
    back = to_nearest_sample(distance_to_boxes(others, prediction), count / areas.sum())
    return comparison(forth, back, areas, other_areas)


def normalised(boxes, frame_of):
    """Moved so that the box of all of `frame_of` is centred and its longest side 2."""
    low, high = frame_of[:, 0].min(0), frame_of[:, 1].max(0)
    return (boxes - (low + high) / 2) * (2 / (high - low).max())


def quarter_turn(boxes):
    """By 90 degrees about the y axis, right-handed: (x, y, z) to (z, y, -x)."""
    turned = boxes[..., [2, 1, 0]] * [1, 1, -1]
    return np.stack([turned.min(1), turned.max(1)], 1)


def surface_voxels(corners, pitch):
    """Voxels of the corners of triangles [F, 3, 3] split until no side is above half a voxel."""
    sides = np.sqrt(((corners - np.roll(corners, -1, 1))**2).sum(-1)).max(1)
    done = corners[sides <= pitch / 2]
    voxels = set(map(tuple, np.rint(done.reshape(-1, 3) / pitch).astype(int)))
    if len(done) < len(corners):
        a, b, c = np.moveaxis(corners[sides > pitch / 2], 1, 0)
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        split = np.concatenate([np.stack(t, 1) for t in
                                [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]])
        voxels |= surface_voxels(split, pitch)
    return voxels


def filled_voxels(corners, pitch):
    """With all that cannot be reached from outside by steps along the axes over empty voxels."""
    marked = np.array(sorted(surface_voxels(corners, pitch)))
    low = marked.min(0) - 1
    full = np.zeros(marked.max(0) - low + 2, bool)
    full[tuple((marked - low).T)] = True
    outside = np.zeros_like(full)
    outside[0, 0, 0] = True
    while True:
        grown = outside.copy()
        for axis in range(3):
            for step in (1, -1):
                moved = np.roll(outside, step, axis)  # what comes round meets the empty border
                grown |= moved
        grown &= ~full
        if (grown == outside).all():
            return set(map(tuple, np.argwhere(~outside) + low))
        outside = grown


def iou(a, b):
    return len(a & b) / len(a | b)
