"""Runs what is timed without a peer, on a CPU: the trainer beside a bare loop, the saving of
checkpoints, marching cubes; writes benchmarks/results/overheads_cpu.json.

usage: benchmarks/overheads_cpu.py BUILD_FOLDER [saving_runs]
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from provenance import bar, provenance

RESULT = pathlib.Path(__file__).resolve().parent / "results" / "overheads_cpu.json"
# As `moca` itself sets it: freed memory is kept, so that a copy finds its room.
MALLOC = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=9223372036854775807"


def run(build, name, *arguments, environment=None):
    printed = subprocess.run([str(build / "benchmarks" / f"moca_{name}_benchmark"), *arguments],
                             check=True, capture_output=True, text=True,
                             env=os.environ | (environment or {})).stdout
    print(printed, end="", flush=True)
    return printed


def columns(printed):
    """The rows of numbers between bars that a program printed."""
    return [[float(cell) for cell in line.split("|")] for line in printed.splitlines()
            if re.match(r" *[0-9]+ \|", line)]


def trainer(build, folder):
    printed = run(build, "trainer", folder)
    guards = float(re.search(r"of a step: (-?[0-9.]+) ms", printed)[1])
    memory, files = re.search(r"memory ([+-][0-9.]+) %, open files ([+-][0-9]+)", printed).groups()
    return {"trainer_over_bare_loop": [row[3] for row in columns(printed)],
            "guards_and_logging_ms": guards, "memory_percent_over_10000_steps": float(memory),
            "open_files_over_10000_steps": int(files)}


def saving(build, folder):
    printed = run(build, "checkpoint", folder, environment={"GLIBC_TUNABLES": MALLOC})
    return [{"stall_s": stall, "written_after_s": written, "stall_over_writing": ratio}
            for _, stall, written, ratio in columns(printed)]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    saving_runs = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    with tempfile.TemporaryDirectory() as folder:
        steps = trainer(build, folder)
        saves = [row for _ in range(saving_runs) for row in saving(build, folder)]
    cubes = json.loads(run(build, "marching_cubes"))
    stalls = [row["stall_over_writing"] for row in saves]
    result = {
        **provenance("what is timed without a peer on a CPU: steps of about 100 ms and of next to "
                     "nothing in CPU time of one thread, saves of 100 million parameters with their "
                     "AdamW state and averages in wall time, marching cubes of a union of spheres",
                     f"benchmarks/overheads_cpu.py BUILD_FOLDER {saving_runs}"),
        "bars": [
            bar("trainer / bare loop, median of four rounds",
                round(statistics.median(steps["trainer_over_bare_loop"]), 4), "<=", 1.03),
            bar("guards and logging of a step, ms", steps["guards_and_logging_ms"], "<=", 1.0),
            bar("memory over 10,000 steps, %", steps["memory_percent_over_10000_steps"], "<=", 1.0),
            bar("open files over 10,000 steps", steps["open_files_over_10000_steps"], "<=", 0),
            bar(f"stall of a save / its writing, median of {len(stalls)} saves",
                round(statistics.median(stalls), 3), "<=", 0.10),
            bar(f"stall of a save / its writing, largest of {len(stalls)} saves", max(stalls), "<=",
                0.10),
            bar("marching cubes of 256^3 samples, ms", cubes["min_cpu_ms"], "<=", 60),
        ],
        "trainer": steps, "saves": saves, "marching_cubes": cubes,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
