"""Times the quickstart's training step with two threads on two cores, alone and beside two busy
processes; writes benchmarks/results/oversubscription_cpu.json.

usage: benchmarks/oversubscription_cpu.py BUILD_FOLDER [ROUNDS]     needs an otherwise idle machine
"""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from provenance import bar, provenance

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks/results/oversubscription_cpu.json"
DATA = ("data.procedural.num_assets=20", "data.num_held_out=2")
STEPS = 30
FIRST = 10  # steps before it warm up
CORES = {0, 1}


def moca(build, folder, *arguments):
    subprocess.run([str(build / "moca"), *arguments], cwd=folder, check=True, capture_output=True)


@contextlib.contextmanager
def busy(count):
    """That many processes that do nothing but compute."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def step_seconds(build, folder, name, threads):
    """Median over the steps of a run."""
    moca(build, folder, "train", str(ROOT / "configs/quickstart.yaml"), *DATA, f"name={name}",
         f"training.max_steps={STEPS}", "training.log_every=1", f"training.num_threads={threads}")
    lines = (folder / "runs" / name / "metrics.jsonl").read_text().splitlines()
    seconds = [json.loads(line)["seconds_per_step"] for line in lines]
    return statistics.median(seconds[FIRST:])


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    os.sched_setaffinity(0, CORES)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        vae = str(ROOT / "configs/quickstart_vae.yaml")
        moca(build, folder, "prepare-data", vae, *DATA)
        moca(build, folder, "train", vae, *DATA, "training.max_steps=1")
        for threads, load in ((2, 0), (2, 2), (2, 1), (1, 0), (1, 2)):
            found = []
            for round_ in range(rounds):
                with busy(load):
                    found.append(step_seconds(build, folder, f"{threads}_{load}_{round_}", threads))
            rows.append({"threads": threads, "busy_processes": load,
                         "step_s": statistics.median(found)})
            print(rows[-1], flush=True)
    seconds = {(row["threads"], row["busy_processes"]): row["step_s"] for row in rows}
    result = provenance("quickstart's DiT step, fp32, two cores; median of "
                        f"{rounds} runs of the median of {STEPS - FIRST} steps",
                        "benchmarks/oversubscription_cpu.py build")
    result["bars"] = [bar("two threads beside two busy processes over two threads alone",
                          round(seconds[2, 2] / seconds[2, 0], 3), "<=", 2.5)]
    result["rows"] = rows
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
