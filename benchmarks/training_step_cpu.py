"""Times one training step of MoCA, of our dense baseline and of a plain PyTorch loop of the
PartCrafter model in turn, one thread each; writes benchmarks/results/training_step_cpu.json.

usage: benchmarks/training_step_cpu.py BUILD_FOLDER [repeats]
       benchmarks/training_step_cpu.py BUILD_FOLDER memory      the memory alone, beside the rows there are

Judged by process CPU time. A ratio is the median over the repeats.
"""

import json
import pathlib
import statistics
import sys

from forward_cpu import RESULTS, SIZES, ours, peers
from provenance import bar, provenance

FILE = RESULTS / "training_step_cpu.json"
COMPONENTS = 8
BARS = {"fp32": {"dense_over_pytorch": 1.00, "moca_over_pytorch": 0.85},
        "bf16": {"dense_over_pytorch": 1.00, "moca_over_pytorch": 0.70}}


def row_of(build, dtype, repeats):
    measured = [(ours(build, dtype, COMPONENTS, 3, "step"),
                 peers(dtype, COMPONENTS, 3, "training_step_peer.py"))
                for _ in range(repeats)]

    def median(figure):
        return round(statistics.median(figure(*pair) for pair in measured), 4)

    row = {"dtype": dtype, "components": COMPONENTS, "parameters": measured[0][1]["parameters"],
           "dense_over_pytorch": median(lambda a, b: a["dense"]["cpu_ms"] / b["cpu_ms"]),
           "moca_over_pytorch": median(lambda a, b: a["moca"]["cpu_ms"] / b["cpu_ms"]),
           "bars": BARS[dtype],
           "checkpointed_over_moca": median(
               lambda a, b: a["checkpointed"]["cpu_ms"] / a["moca"]["cpu_ms"]),
           "pytorch_ms": median(lambda a, b: b["cpu_ms"])}
    print(row, flush=True)
    return row


def add_memory(result, build):
    memory = ours(build, "fp32", 32, 1, "step")
    result["memory_gib_of_32_components"] = {
        name: round(memory[f"{name}_memory_gib"], 3) for name in ("dense", "moca", "checkpointed")}
    FILE.write_text(json.dumps(result, indent=1) + "\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2:] == ["memory"]:
        add_memory(json.loads(FILE.read_text()), build)
        return
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = [row_of(build, dtype, repeats) for dtype in BARS]
    result = {**provenance("one training step on one asset beside a plain PyTorch loop of "
                           "PartCrafter, random weights, CPU time of one thread",
                           f"benchmarks/training_step_cpu.py BUILD_FOLDER {repeats}"),
              "bars": [bar(f"{name}, {row['dtype']}", row[name], "<=", limit)
                       for row in rows for name, limit in row["bars"].items()],
              "sizes": SIZES, "rows": rows}
    add_memory(result, build)


if __name__ == "__main__":
    main()
