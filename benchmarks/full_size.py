"""Loads the PartCrafter DiT at its true size and runs one forward, in both precisions; writes
benchmarks/results/full_size.json.

usage: benchmarks/full_size.py BUILD_FOLDER MODEL_FOLDER [threads]

MODEL_FOLDER is made by `scripts/make_full_size_weights.py MODEL_FOLDER --model partcrafter`.
"""

import json
import pathlib
import subprocess
import sys

from provenance import bar, provenance

RESULT = pathlib.Path(__file__).resolve().parent / "results" / "full_size.json"
BARS = {"fp32": 1.15, "bf16": 0.6}


def measure(build, model, dtype, threads):
    program = build / "benchmarks" / "moca_full_size_benchmark"
    printed = subprocess.run([str(program), model, dtype, "2", "512", threads], check=True,
                             capture_output=True, text=True).stdout
    print(printed, end="", flush=True)
    return json.loads(printed)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    threads = sys.argv[3] if len(sys.argv) > 3 else "2"
    runs = [measure(build, sys.argv[2], dtype, threads) for dtype in BARS]
    result = {
        **provenance("loading the PartCrafter DiT at its true size (random weights, true key list) "
                     "and one forward of it; largest resident set of the process, what it holds "
                     "before loading included",
                     "scripts/make_full_size_weights.py FOLDER --model partcrafter; "
                     f"benchmarks/full_size.py BUILD_FOLDER FOLDER {threads}"),
        "bars": [bar(f"peak memory / file, {run['precision']}", run["peak_over_file"], "<=",
                     BARS[run["precision"]]) for run in runs]
                + [bar("peak memory of a bf16 forward, GB", runs[-1]["peak_memory_forward_gb"], "<=",
                       20)],
        "runs": runs,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
