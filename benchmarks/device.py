"""Measures of the bars for devices what needs no GPU: the tests on the stand-in device, the bundle, the
operators for Python, and a training step beside busy processes. Writes benchmarks/results/device.json.

usage: benchmarks/device.py BUILD_FOLDER BUILD_FOLDER_BEFORE     needs an otherwise idle machine of two cores

The first folder holds what scripts/test.sh build makes, the second a moca of revision 4c07a9e.
"""

import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from provenance import bar, provenance

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks/results/device.json"
DATA = ("data.procedural.num_assets=20", "data.num_held_out=2")
STEPS = 30
FIRST = 10  # steps before it warm up
CORES = {0, 1}
ROUNDS = 3  # runs of every timed step
NOT_MEASURED = (
    "several GPUs, and NCCL between them: one H200 was at hand (gpu_h200.json)",
    "bf16 losses against the spread of two CPU thread counts: a CPU gives the same bits for any number, so "
    "there is no spread; the largest difference stands in the rows",
)
SIZES = ("--width", "512", "--heads", "8", "--blocks", "5", "--tokens", "512", "--selected", "3",
         "--compressed", "64", "--threads", "1")


def tests(build, program, names, on_stand_in=False):
    """What the tests of these names print, how many pass and how many fail."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    if on_stand_in:
        environment["MOCA_TEST_DEVICE"] = "stand_in"
    run = subprocess.run([str(build / "tests" / program), f"--gtest_filter={names}"], env=environment,
                         capture_output=True, text=True)
    printed = run.stdout
    passed, failed = (len(re.findall(rf"^\[ +{word} +\] .* \([0-9]+ ms\)$", printed, re.M))
                      for word in ("OK", "FAILED"))
    if passed + failed == 0 or (run.returncode != 0 and failed == 0):
        sys.exit(f"device.py: {program} ran no test {names}, or died of it (code {run.returncode}):\n"
                 f"{printed[-2000:]}")
    return printed, passed, failed


def on_the_stand_in(build):
    """Losses beside the CPU's and how often a step's host waits."""
    printed, _, _ = tests(build, "stand_in/moca_stand_in_test",
                          "*HaveTheLosses*:*LetsTheHostWait*", on_stand_in=True)
    losses = {name: float(value)
              for name, value in re.findall(r"(\w+): losses differ by (\S+) at most", printed)}
    waits, run = {}, ""
    for line in printed.splitlines():
        if line.endswith(", a step:"):
            run = line.removesuffix(", a step:")
            waits[run] = {}
        elif found := re.match(r" +([0-9.]+)  ([a-z ]+): ", line):
            waits[run][found[2]] = waits[run].get(found[2], 0) + float(found[1])
    rows = [{"measure": "largest relative difference of a loss from the CPU's in 20 steps", "of": name,
             "value": value} for name, value in losses.items()]
    rows += [{"measure": "waits and copies of a step", "of": name, "value": kinds}
             for name, kinds in waits.items()]
    counted = [sum(v for kind, v in kinds.items() if "pageable" not in kind) for kinds in waits.values()]
    pageable = [sum(v for kind, v in kinds.items() if "pageable" in kind) for kinds in waits.values()]
    fp32 = max(value for name, value in losses.items() if "bf16" not in name)
    return rows, [bar("losses on the stand-in against the CPU over 20 steps, fp32, relative", fp32, "<=", 1e-5),
                  bar("synchronisations a micro-batch of the tiny models", max(counted), "<=", 8),
                  bar("pageable host copies in a training step", max(pageable), "==", 0)]


def claims(build):
    """Tests that hold a bar by themselves, by how many fail."""
    bars = []
    for where, program in (("a CPU", "moca_experiment_test"),
                           ("the stand-in", "stand_in/moca_experiment_on_stand_in_test")):
        _, passed, failed = tests(build, program, "*NotFinite*", "stand_in" in program)
        bars += [bar(f"cases of NaN and infinity on {where} whose steps are skipped, all once more on two "
                     "ranks", passed, ">=", 12),
                 bar(f"such cases on {where} that fail", failed, "==", 0)]
    _, _, failed = tests(build, "moca_ops_test", "Routing.HasNoTies*")
    bars.append(bar("failing tests: no tie at the k-th place of 10,000 rows under bf16 autocast", failed,
                    "==", 0))
    printed, _, _ = tests(build, "moca_training_test", "FailingRank.*")
    slowest = max(float(s) for s in re.findall(r"ended after ([0-9.]+) s", printed))
    bars.append(bar("seconds until both of two ranks end after one fails", slowest, "<=", 10))
    return bars


def bundle(build):
    printed = subprocess.run(["scripts/bundle.sh"], cwd=ROOT, check=True, capture_output=True,
                             text=True).stdout
    archive = build / "moca-bundle.tar.xz"
    print(printed, end="", flush=True)
    inside = subprocess.run(["tests/bundle/in_empty_root.sh", str(archive),
                             str(ROOT / ".venv/lib/python3.11/site-packages/torch")], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout
    started = "trained and sampled" in inside
    return [bar("size of the bundle, MB", round(archive.stat().st_size / 2**20, 1), "<=", 40),
            bar("its programs that failed in an empty root", 0 if started else 1, "==", 0)]


def operators(build):
    printed = subprocess.run([str(ROOT / ".venv/bin/python"), "tests/torch_ops/operators_test.py",
                              str(build / "libmoca_ops.so")], cwd=ROOT, capture_output=True, text=True)
    largest = float(re.search(r"largest difference: ([0-9.e+-]+)", printed.stdout)[1])
    failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=([0-9]+)", printed.stderr))
    return [bar("operators for Python, forward and gradients, from the fp64 definition, largest difference",
                largest, "<=", 2e-6),
            bar("their failing tests, torch.compile(fullgraph=True) among them", failed, "==", 0)]


def cpu_milliseconds(build, what, precision, components, rounds):
    """The row of `moca benchmark WHAT` for N components, one thread."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "row.json"
        subprocess.run([str(build / "moca"), "benchmark", what, "--precision", precision, "--components",
                        str(components), "--rounds", str(rounds), "--json", str(file), *SIZES], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=os.environ | {"OMP_NUM_THREADS": "1"})
        return json.loads(file.read_text())["rows"][0]


def cpu_kernels(build):
    """Forward beside a plain product, local blocks and whole models beside the dense baseline."""
    rows, bars = [], []
    for precision, least in (("fp32", 0.85), ("bf16", 0.78)):
        for components, rounds in ((2, 9), (4, 7), (8, 5), (16, 3)):
            row = cpu_milliseconds(build, "forward", precision, components, rounds)
            found = {"rate": row["rate_over_product"], "moca_over_dense": row["moca_over_dense"],
                     "local": row["local_block"]["cpu_ms"] / row["dense_local_block"]["cpu_ms"]}
            rows.append({"measure": "forward on a CPU, one thread", "dtype": precision,
                         "components": components} | found)
            print(rows[-1], flush=True)
            if components == 16:
                bars.append(bar(f"operations per second of the forward, {precision}, N = 16, over those of a "
                                "linear layer 4096 x 2048 x 512", round(found["rate"], 3), ">=", least))
            if components <= 4:
                bars.append(bar(f"MoCA over dense, {precision}, N = {components}",
                                round(found["moca_over_dense"], 3), "<=", 1.08))
            if components == 8 and precision == "fp32":
                bars.append(bar("local block with added tokens over one without, fp32, N = 8",
                                round(found["local"], 3), "<=", 1.17))
    python = subprocess.run([str(ROOT / ".venv/bin/python"), str(ROOT / "benchmarks/projections_backward.py")], check=True,
                            capture_output=True, text=True).stdout
    bars.append(bar("backward of attention's projections in LibTorch, N = 8, L = 512, unbind over indexing, same bits",
                    round(float(python), 3), "<=", 0.6))
    return rows, bars


def paired(build, before):
    """Forward and step over those of an earlier build, in turn."""
    bars = []
    for what, key, components, rounds in (("forward", "total", 8, 3), ("step", "moca", 4, 2)):
        for precision in ("fp32", "bf16"):
            ratios = []
            for _ in range(3):
                ours, theirs = (cpu_milliseconds(folder, what, precision, components, rounds)[key]["cpu_ms"]
                                for folder in (build, before))
                ratios.append(ours / theirs)
            bars.append(bar(f"{what} of MoCA, {precision}, N = {components}, over the revision before (4c07a9e)",
                            round(statistics.median(ratios), 3), "<=", 1.0))
            print(bars[-1], flush=True)
    return bars


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
    """Median over the steps of a run of the quickstart's DiT."""
    moca(build, folder, "train", str(ROOT / "configs/quickstart.yaml"), *DATA, f"name={name}",
         f"training.max_steps={STEPS}", "training.log_every=1", f"training.num_threads={threads}")
    lines = (folder / "runs" / name / "metrics.jsonl").read_text().splitlines()
    seconds = [json.loads(line)["seconds_per_step"] for line in lines]
    return statistics.median(seconds[FIRST:])


def beside_others(build):
    rows = []
    os.sched_setaffinity(0, CORES)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        vae = str(ROOT / "configs/quickstart_vae.yaml")
        moca(build, folder, "prepare-data", vae, *DATA)
        moca(build, folder, "train", vae, *DATA, "training.max_steps=1")
        for threads, load in ((2, 0), (2, 1), (2, 2), (1, 0), (1, 2)):
            found = []
            for number in range(ROUNDS):
                with busy(load):
                    found.append(step_seconds(build, folder, f"{threads}_{load}_{number}", threads))
            rows.append({"measure": "seconds of the quickstart's DiT step, fp32", "threads": threads,
                         "busy_processes": load, "value": statistics.median(found), "runs": found})
            print(rows[-1], flush=True)
    seconds = {(row["threads"], row["busy_processes"]): row["value"] for row in rows}
    return rows, [bar("a two-thread step beside two busy processes over the same alone, two cores",
                      round(seconds[2, 2] / seconds[2, 0], 2), "<=", 2.5)]


def save(result, bars, rows):
    result["bars"] += bars
    result["rows"] += rows
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    build, before = (pathlib.Path(folder).resolve() for folder in sys.argv[1:])
    result = provenance("Without a GPU. CPU times are those of the process, one thread. Stand-in: tiny models "
                        "(configs/tiny*.yaml and the tests' own) on the CPU's stand-in for a CUDA device, ranks "
                        "as processes over Gloo. Beside others: the quickstart's DiT, median of "
                        f"{ROUNDS} runs of the median of {STEPS - FIRST} steps.",
                        "benchmarks/device.py build BEFORE")
    result |= {"bars": [], "not_measured": NOT_MEASURED, "rows": []}
    # What one part measured stays where a later one fails.
    for part in (lambda: cpu_kernels(build), lambda: beside_others(build), lambda: on_the_stand_in(build),
                 lambda: ([], claims(build)), lambda: ([], operators(build)), lambda: ([], bundle(build)),
                 lambda: ([], paired(build, before))):
        rows, bars = part()
        save(result, bars, rows)


if __name__ == "__main__":
    main()
