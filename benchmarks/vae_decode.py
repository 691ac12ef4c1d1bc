"""Decodes query points at the released VAE's size, ours and plain PyTorch one after the other, and
writes benchmarks/results/vae_decode.json.

usage: benchmarks/vae_decode.py BUILD_FOLDER [rounds]

One thread is judged by process CPU time, which other load on the machine moves least, several by
wall time. A ratio is the median over the rounds of ours / PyTorch's in the same round.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys

from provenance import bar, provenance

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "vae_decode.json"
BARS = {"fp32": 1.0, "bf16": 0.4}  # ours in this type over PyTorch's float


def measure(side, dtype, threads, build):
    program = {
        "moca": [str(build / "benchmarks" / "moca_vae_decode_benchmark")],
        "pytorch": [str(ROOT / ".venv" / "bin" / "python"),
                    str(ROOT / "benchmarks" / "vae_decode_peer.py")],
    }[side]
    run = subprocess.run([*program, dtype, str(threads)], check=True, capture_output=True,
                         text=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)})
    print(run.stdout, end="", flush=True)
    return json.loads(run.stdout)


def ratios(rounds, threads, dtype, peer_dtype="fp32"):
    """Ours over PyTorch's: of the queries alone and of the whole decode."""
    clock = "cpu" if threads == 1 else "wall"

    def seconds(row, whole):
        return row[f"query_{clock}_s"] + (row[f"hidden_{clock}_s"] if whole else 0)

    def median(whole):
        return round(statistics.median(
            seconds(measured["moca", dtype], whole) / seconds(measured["pytorch", peer_dtype], whole)
            for measured in rounds), 3)

    return {"threads": threads, "clock": clock, "moca": dtype, "pytorch": peer_dtype,
            "query_ratio": median(False), "decode_ratio": median(True)}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    num_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows, summary = [], []
    for threads in sorted({1, min(2, os.cpu_count())}):
        rounds = []
        for _ in range(num_rounds):
            rounds.append({(side, dtype): measure(side, dtype, threads, build)
                           for dtype in ("fp32", "bf16") for side in ("pytorch", "moca")})
            rows += rounds[-1].values()
        summary += [ratios(rounds, threads, "fp32"), ratios(rounds, threads, "bf16"),
                    ratios(rounds, threads, "bf16", "bf16")]
    result = {
        **provenance("decode of one component at the released VAE's size, random weights",
                     f"benchmarks/vae_decode.py BUILD_FOLDER {num_rounds}"),
        "bars": [bar(f"queries of moca {row['moca']} / pytorch fp32, one thread, CPU time",
                     row["query_ratio"], "<=", BARS[row["moca"]])
                 for row in summary if row["pytorch"] == "fp32" and row["threads"] == 1],
        "ratios": summary,
        "runs": rows,
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for row in summary:
        print(f"{row['threads']} thread(s), {row['clock']} time: moca {row['moca']} / pytorch "
              f"{row['pytorch']}: queries {row['query_ratio']}, decode {row['decode_ratio']}")


if __name__ == "__main__":
    main()
