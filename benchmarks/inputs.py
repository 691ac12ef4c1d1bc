"""Measures how inputs are read and refused: mesh and picture cases, fuzzers, real data, documented
commands. Writes inputs.json.

usage: benchmarks/inputs.py BUILD_FOLDER [--before PROGRAM] [--fuzzed LOG] [--commands LOG]
PROGRAM: moca_read_meshes_benchmark, built at revision 581fede, which read with assimp. LOG: what
`MOCA_FUZZ_RUNS=100000 scripts/test.sh fuzz` and `ctest -R DocumentedCommands -V` printed. Needs the reference
files ($MOCA_SHARED, default ../shared) and trimesh.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import trimesh
from safetensors.numpy import load_file

from provenance import bar, provenance
from truth import share_passed

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks/results/inputs.json"
SHARED = pathlib.Path(os.environ.get("MOCA_SHARED", ROOT.parent / "shared")).resolve()
FOLDERS = ("objects", "scenes")

CONFIG = """name: x
stage: vae
vae: {{num_tokens: 8, num_surface_points: 16}}
dit: {{codebook_size: 300}}
data:
  source: meshes
  path: {out}
  meshes: {{folder: {folder}, watertight_resolution: 32}}
  num_surface_points: 16
  num_query_points: 16
  max_components: 300
  views: {{image_size: 16, azimuths: [0], elevations: [0]}}
"""

# Every item under "Not files" of the cases' README, and the tests that hold it: program, filter.
BEHAVIOURS = {
    "pictures of the cases equal their references, JPEG within 2 levels, or are refused":
        ("image", "PicturesOfTheCases.*"),
    "component maps of the cases equal their references or are refused by format":
        ("image", "MapsOfTheCases.*"),
    "alpha is put over white in runs and weights": ("image", "PictureToShow.*"),
    "a point that is no number, and a learning rate that nothing survives, with MoC and dense":
        ("experiment", "TrainRun.SkipsTheSteps*:TrainRun.StopsByNameAt*"),
    "the advice after ten bad steps works": ("training", "Trainer.ContinuesAfterBadSteps*"),
    "resume takes another learning rate, schedule and length":
        ("experiment", "TrainRun.IsResumedWith*"),
    "another dataset or VAE is refused, or accepted and said": ("experiment", "RunInputs.*"),
    "metrics count empty components of files as evaluate does":
        ("experiment", "WriteAsset.WritesWhatTheMetricsCount*"),
    "metrics at any size with bounded voxels":
        ("evaluation", "SelfIou.HasABound*:SelfIou.IsTheSame*:CompareScenes.ScoresAPrediction*"),
    "dit.codebook_size 0 trains and is evaluated": ("commands", "Commands.AModelWithoutComponentIds*"),
    "num_threads that no machine serves are refused": ("core", "Threads.*"),
    "pictures are never cut by the border": ("data", "Views.ShowAssetsWhole"),
    "a suggestion is a whole path": ("experiment", "RunConfig.ASuggestionIsAWholePath"),
    "a run works from every folder": ("commands", "Commands.ARunWorksFromEveryFolder*"),
    "settings of data and VAE are taken from them": ("experiment", "TrainingSettings.*"),
}


def cases_right(moca):
    """[right, all] of the mesh cases."""
    done = subprocess.run([sys.executable, SHARED / "cases/check_meshes.py", moca], check=False,
                          capture_output=True, text=True)
    return [int(n) for n in re.search(r"(\d+) of (\d+) cases right", done.stdout).groups()]


def triangle_areas(vertices, faces):
    corners = np.asarray(vertices, dtype=float)[faces]
    return 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]),
                                axis=1)


def prepared(moca, folder, out):
    """Vertices and faces of every asset of a mesh folder as the program stores them."""
    config = out.with_suffix(".yaml")
    config.write_text(CONFIG.format(out=out, folder=folder))
    subprocess.run([moca, "prepare-data", config], check=True, capture_output=True)
    shards = {}
    for asset in json.loads((out / "index.json").read_text())["assets"]:
        tensors = shards.setdefault(asset["shard"], load_file(out / asset["shard"]))
        name = asset["id"] + "/"
        area, vertex, face = 0.0, 0, 0
        vertices, faces = tensors[name + "vertices"], tensors[name + "faces"]
        for num_vertices, num_faces in tensors[name + "mesh_sizes"]:
            area += triangle_areas(vertices[vertex:vertex + num_vertices],
                                   faces[face:face + num_faces]).sum()
            vertex, face = vertex + num_vertices, face + num_faces
        yield asset, area, np.ptp(vertices.astype(float), axis=0).max()


def trimesh_area(file):
    """Area and longest side of a file's scene as trimesh loads it."""
    scene = trimesh.load(file, force="scene")
    meshes = []
    for node in scene.graph.nodes_geometry:
        transform, geometry = scene.graph[node]
        mesh = scene.geometry[geometry].copy()
        mesh.apply_transform(transform)
        meshes.append(mesh)
    low = np.min([mesh.bounds[0] for mesh in meshes], axis=0)
    high = np.max([mesh.bounds[1] for mesh in meshes], axis=0)
    return sum(triangle_areas(m.vertices, m.faces).sum() for m in meshes), (high - low).max()


def worst_area(moca):
    """The largest relative difference of an asset's area from trimesh's, and how many assets."""
    worst, count = 0.0, 0
    for folder in FOLDERS:
        with tempfile.TemporaryDirectory() as work:
            for asset, area, side in prepared(moca, SHARED / "data" / folder,
                                              pathlib.Path(work) / "dataset"):
                file = SHARED / "data" / folder / asset["source"]
                expected, expected_side = trimesh_area(file)
                expected *= (side / expected_side) ** 2
                worst, count = max(worst, abs(area - expected) / expected), count + 1
    return worst, count


def reading_seconds(program):
    files = [file for folder in FOLDERS for file in sorted((SHARED / "data" / folder).glob("*.glb"))]
    done = subprocess.run([program, "30", *files], check=True, capture_output=True, text=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"})
    return json.loads(done.stdout)["seconds"]


def failed_commands(log):
    """How many documented commands ran, and how many failed."""
    return [int(n) for n in re.search(r"(\d+) commands, (\d+) failed", log.read_text()).groups()]


def fuzzed(log):
    """How many readers ran to their end, mutations of the one that got the fewest, and how many ended
    at a crash, a hang or a large allocation."""
    text = log.read_text()
    runs = [int(n) for n in re.findall(r"_fuzzer: Done (\d+) runs", text)]
    return len(runs), min(runs), len(re.findall(r"^SUMMARY: (?:libFuzzer|\w+Sanitizer)", text, re.M))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--before", type=pathlib.Path)
    parser.add_argument("--fuzzed", type=pathlib.Path)
    parser.add_argument("--commands", type=pathlib.Path)
    options = parser.parse_args()
    build = options.build.resolve()
    moca = build / "moca"
    right, cases = cases_right(moca)
    bars = [bar(f"mesh cases right or refused as their note allows, of {cases}", right, "==", cases)]
    area, assets = worst_area(moca)
    bars.append(bar(f"largest relative difference of an area from trimesh's, {assets} assets", area,
                    "<=", 1e-6))
    for name, (program, pattern) in BEHAVIOURS.items():
        bars.append(bar(f"tests passed: {name}", share_passed(build, program, pattern), "==", 1.0))
    if options.fuzzed:
        readers, runs, findings = fuzzed(options.fuzzed)
        bars.append(bar("readers that are fuzzed (GLB, glTF, OBJ, PLY, STL, PNG, JPEG, WebP, YAML, "
                        "safetensors; nothing reads npy)", readers, ">=", 10))
        bars.append(bar("mutations of every reader at least", runs, ">=", 100000))
        bars.append(bar("crashes, hangs over 2 s, allocations over 1 GB", findings, "==", 0))
    if options.commands:
        count, failed = failed_commands(options.commands)
        bars.append(bar(f"documented commands that fail, of {count}", failed, "==", 0))
    if options.before:
        ratio = reading_seconds(build / "benchmarks/moca_read_meshes_benchmark") / reading_seconds(
            options.before)
        bars.append(bar("CPU time of reading the 70 assets / with assimp (revision 581fede)", ratio,
                        "<=", 1.0))
    result = provenance("how inputs are read and refused",
                        "benchmarks/inputs.py BUILD_FOLDER --before PROGRAM --fuzzed LOG --commands LOG")
    result["bars"] = bars
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for entry in bars:
        print(f"{entry['value']:>12.6g}  {entry['relation']} {entry['bar']:g}  {entry['name']}")


if __name__ == "__main__":
    main()
