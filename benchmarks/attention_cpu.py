"""Times the attention of a global block: MoC beside our dense attention, and that beside LibTorch's
on the same tokens, one thread; writes benchmarks/results/attention_cpu.json.

usage: benchmarks/attention_cpu.py BUILD_FOLDER [repeats]

Judged by process CPU time. A ratio is the median over the repeats.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from provenance import bar, provenance

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
BARS = {"moc_over_dense": {2: 1.02, 4: 1.02, 8: 0.62, 16: 0.38},
        "moc_over_dense_training": {2: 1.05, 4: 1.05, 8: 0.65, 16: 0.42}}
# Dense attention where it is used: a global block, a local block, the VAE's decoder over its
# tokens, and the quickstart's.
DENSE = {"global": ["--components", "4"], "local": ["--components", "1", "--tokens", "577"],
         "quickstart": ["--components", "1", "--tokens", "64", "--width", "128", "--heads", "4"],
         "smallest": ["--components", "1", "--tokens", "16", "--width", "128", "--heads", "4"]}


def run(build, flags):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "result.json"
        subprocess.run([str(build / "moca"), "benchmark", "attention", "--json", str(file), *flags],
                       check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"OMP_NUM_THREADS": "1"})
        return json.loads(file.read_text())["rows"]


def medians(measured, names):
    return {name: round(statistics.median(row[name] for row in measured), 4) for name in names}


def bars_of(rows, dense):
    bars = [bar(f"{name}, {row['dtype']}, N = {row['components']}", row[name], "<=", limit)
            for row in rows for name, limit in row.get("bars", {}).items()]
    bars += [bar(f"dense_over_sdpa, {row['dtype']}, {row['where']}, {row['flags']}",
                 row["dense_over_sdpa"], "<=", 1.0) for row in dense]
    return bars


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows, dense = [], []
    for dtype in ("fp32", "bf16"):
        for components in BARS["moc_over_dense"]:
            rounds = "9" if components < 16 else "3"
            measured = [run(build, ["--precision", dtype, "--components", str(components),
                                    "--rounds", rounds])[0] for _ in range(repeats)]
            row = {"dtype": dtype, "components": components, **medians(measured, BARS)}
            if dtype == "fp32":
                row["bars"] = {name: bar[components] for name, bar in BARS.items()}
            rows.append(row)
            print(row, flush=True)
        for place, flags in DENSE.items():
            rounds = "201" if "--width" in flags else "9"
            measured = [run(build, ["--precision", dtype, "--rounds", rounds, *flags])[0]
                        for _ in range(repeats)]
            dense.append({"dtype": dtype, "where": place, "flags": " ".join(flags),
                          **medians(measured, ("dense_over_sdpa", "dense_over_sdpa_training"))})
            print(dense[-1], flush=True)
    result = {**provenance("attention of a global block, CPU time of one thread, random weights",
                           f"benchmarks/attention_cpu.py BUILD_FOLDER {repeats}"),
              "bars": bars_of(rows, dense), "rows": rows, "dense": {"bar": 1.0, "rows": dense}}
    (RESULTS / "attention_cpu.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
