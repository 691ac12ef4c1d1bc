"""PartCrafter's hierarchical evaluation of an analytic torus, and marching cubes without a table.

The surface follows from three rules: a vertex lies on every edge of the lattice whose ends differ in
sign, where the field is 0 between them by linear interpolation; in every face of a cell with two
vertices they are joined; the joined vertices of a cell are a polygon. A face of four vertices could
be joined in two ways and is refused, so this is no general implementation.
"""

import itertools

import numpy as np
import torch
import torch.nn.functional as F


def torus(points, radius, tube, sharpness):
    """Around the y axis, positive inside: [..., 3] to [...]."""
    ring = (points[..., 0].square() + points[..., 2].square()).sqrt() - radius
    return (tube - (ring.square() + points[..., 1].square()).sqrt()) * sharpness


def hierarchical_values(field, bounds, dense_depth, depth):
    """The lattice [R, R, R], R = 2^depth, and how many points every level evaluated."""
    R = 2**dense_depth
    axis = torch.linspace(-bounds, bounds, R)
    values = field(torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1))
    queries = [R**3]
    while R < 2**depth:
        near = torch.zeros_like(values, dtype=torch.bool)
        near[1:-1, 1:-1, 1:-1] = ((2 * values.sigmoid() - 1).abs() < 1)[1:-1, 1:-1, 1:-1]
        size = 5 if R < 512 else 3
        near = F.max_pool3d(near.float()[None, None], size, 1, size // 2)[0, 0] > 0
        R *= 2
        for axis in range(3):
            near = near.repeat_interleave(2, axis)
            values = values.repeat_interleave(2, axis)
        children = near.nonzero()
        values[near] = field((children - R / 2) * (bounds / (R / 2)))
        queries.append(len(children))
    return values, queries


def edge_vertices(values):
    """{(lattice point, axis): position in lattice steps} of every edge whose ends differ in sign."""
    values = np.asarray(values, np.float64)
    inside = values > 0
    vertices = {}
    for axis in range(3):
        low = [slice(None)] * 3
        high = [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        for start in np.argwhere(inside[tuple(low)] != inside[tuple(high)]):
            end = start.copy()
            end[axis] += 1
            a, b = values[tuple(start)], values[tuple(end)]
            position = start.astype(np.float64)
            position[axis] += a / (a - b)
            vertices[(*map(int, start), axis)] = position
    return vertices


def cell_faces(cell):
    """The edges round each of the six faces of a cell, as keys of `edge_vertices`."""
    for axis, side in itertools.product(range(3), range(2)):
        u, v = (a for a in range(3) if a != axis)
        corner = list(cell)
        corner[axis] += side
        beyond_u, beyond_v = list(corner), list(corner)
        beyond_u[u] += 1
        beyond_v[v] += 1
        yield [(*corner, u), (*corner, v), (*beyond_u, v), (*beyond_v, u)]


def cell_polygons(cell, vertices):
    joined = {}
    for edges in cell_faces(cell):
        crossed = [edge for edge in edges if edge in vertices]
        if len(crossed) == 4:
            raise ValueError(f"a face of cell {cell} can be joined in two ways")
        if crossed:
            a, b = crossed
            joined.setdefault(a, []).append(b)
            joined.setdefault(b, []).append(a)
    while joined:
        first = min(joined)
        polygon, here = [first], joined.pop(first)[0]
        while here != first:
            polygon.append(here)
            ahead = joined.pop(here)
            here = ahead[0] if ahead[1] == polygon[-2] else ahead[1]
        yield polygon


def marching_cubes(values):
    """Vertices [V, 3] in lattice steps and faces [F, 3], counter-clockwise from outside."""
    values = np.asarray(values)
    vertices = edge_vertices(values)
    number = {edge: i for i, edge in enumerate(vertices)}
    positions = np.array(list(vertices.values()))
    corners = np.array(list(itertools.product(range(2), repeat=3)))
    cells = {tuple(int(x) for x in np.array(edge[:3]) - offset)
             for edge in vertices for offset in corners if offset[edge[3]] == 0}
    faces = []
    for cell in sorted(cells):
        inside = np.array([values[tuple(corner)] > 0 for corner in corners + cell])
        outward = corners[~inside].mean(0) - corners[inside].mean(0)
        for polygon in cell_polygons(cell, vertices):
            loop = [number[edge] for edge in polygon]
            points = positions[loop]
            area = np.cross(points, np.roll(points, -1, 0)).sum(0)
            if area @ outward < 0:
                loop.reverse()
            faces += [(loop[0], loop[i], loop[i + 1]) for i in range(1, len(loop) - 1)]
    return positions, np.array(faces, np.int32)
