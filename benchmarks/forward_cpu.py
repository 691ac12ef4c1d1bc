"""Times one forward of MoCA, of our dense baseline and of plain PyTorch's PartCrafter in turn, one
thread each, and writes benchmarks/results/forward_cpu.json and the growth of the time with N as
benchmarks/results/forward_cpu_growth.svg.

usage: benchmarks/forward_cpu.py BUILD_FOLDER [repeats]
       benchmarks/forward_cpu.py BUILD_FOLDER growth      the growth alone, beside the rows there are

Judged by process CPU time, which other load on the machine moves least. A ratio is the median over
the repeats, each of which runs both sides one after the other.
"""

import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from provenance import bar, provenance

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SIZES = {"width": 512, "heads": 8, "blocks": 5, "tokens": 512, "selected": 3, "compressed": 64,
         "image_tokens": 257, "image_width": 1024, "threads": 1}
BARS = {"fp32": {2: 1.00, 4: 1.00, 8: 0.85, 16: 0.66}, "bf16": {2: 0.95, 4: 0.85, 8: 0.58, 16: 0.40}}
GROWTH = (4, 8, 16, 32, 64)
GROWTH_BAR = 5.5  # from N = 16 to 64


FLAGS = ("width", "heads", "blocks", "tokens", "selected", "compressed", "threads")
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": str(SIZES["threads"])}


def ours(build, dtype, components, rounds, what="forward"):
    """The row that `moca benchmark WHAT` prints for N components."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "result.json"
        command = [str(build / "moca"), "benchmark", what, "--precision", dtype, "--components",
                   str(components), "--rounds", str(rounds), "--json", str(file)]
        for flag in FLAGS:
            command += [f"--{flag}", str(SIZES[flag])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        return json.loads(file.read_text())["rows"][0]


def peers(dtype, components, rounds, script="forward_cpu_peer.py"):
    """What plain PyTorch takes for the same."""
    command = [str(ROOT / ".venv" / "bin" / "python"), str(ROOT / "benchmarks" / script), dtype,
               str(components), str(rounds)]
    run = subprocess.run(command, check=True, capture_output=True, text=True,
                         input=json.dumps(SIZES), env=ENVIRONMENT)
    return json.loads(run.stdout)


def row_of(build, dtype, components, repeats):
    """Ratios of one N: the medians over the repeats."""
    rounds = 5 if components <= 4 else 3
    measured = [(ours(build, dtype, components, rounds), peers(dtype, components, rounds))
                for _ in range(repeats)]

    def median(figure):
        return round(statistics.median(figure(*pair) for pair in measured), 4)

    bar = BARS[dtype][components]
    row = {"dtype": dtype, "components": components,
           "moca_over_pytorch": median(lambda a, b: a["total"]["cpu_ms"] / b["cpu_ms"]), "bar": bar,
           "moca_over_dense": median(lambda a, b: a["moca_over_dense"]),
           "routing_share": median(lambda a, b: a["routing_share"]),
           "moca_ms": median(lambda a, b: a["total"]["cpu_ms"]),
           "dense_ms": median(lambda a, b: a["dense_total"]["cpu_ms"]),
           "pytorch_ms": median(lambda a, b: b["cpu_ms"])}
    print(f"{dtype} N = {components:2}: MoCA / PyTorch {row['moca_over_pytorch']:.3f} (bar {bar}), "
          f"MoCA / our dense {row['moca_over_dense']:.3f}, routing {row['routing_share']:.4f}",
          flush=True)
    return row


def growth_of(build, dtype):
    points = []
    for components in GROWTH:
        row = ours(build, dtype, components, 1 if components > 16 else 3)
        points.append({"components": components, "moca_ms": round(row["total"]["cpu_ms"], 2),
                       "dense_ms": round(row["dense_total"]["cpu_ms"], 2)})
        print(f"{dtype} growth {points[-1]}", flush=True)
    at = {point["components"]: point for point in points}
    return {"dtype": dtype, "points": points, "bar_moca_16_to_64": GROWTH_BAR,
            "moca_16_to_64": round(at[64]["moca_ms"] / at[16]["moca_ms"], 3),
            "dense_16_to_64": round(at[64]["dense_ms"] / at[16]["dense_ms"], 3)}


def svg(growth):
    """Time over N, both axes logarithmic."""
    width, height, left, bottom, top = 560, 360, 70, 50, 40
    points = growth["points"]
    xs = [math.log2(p["components"]) for p in points]
    top_ms = max(p["dense_ms"] for p in points)
    low_ms = min(p["moca_ms"] for p in points)
    first, last = math.floor(math.log10(low_ms)), math.ceil(math.log10(top_ms))

    def place(components, ms):
        x = left + (math.log2(components) - xs[0]) / (xs[-1] - xs[0]) * (width - left - 110)
        y = height - bottom - (math.log10(ms) - first) / (last - first) * (height - bottom - top)
        return round(x, 1), round(y, 1)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             f'<text x="{left}" y="22" font-size="14">Whole forward, {growth["dtype"]}, one CPU '
             'thread (L = 512, k = 3, M = 64)</text>']
    for power in range(first, last + 1):
        x, y = place(points[0]["components"], 10.0**power)
        parts.append(f'<line x1="{x}" y1="{y}" x2="{width - 110}" y2="{y}" stroke="#ddd"/>'
                     f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{10.0**power / 1000:g} s</text>')
    for point in points:
        x, _ = place(point["components"], low_ms)
        parts.append(f'<text x="{x}" y="{height - bottom + 20}" text-anchor="middle">'
                     f'{point["components"]}</text>')
    parts.append(f'<text x="{(left + width - 110) / 2}" y="{height - 10}" text-anchor="middle">'
                 'components N</text>')
    for key, name, colour in (("dense_ms", "dense", "#c0392b"), ("moca_ms", "MoCA", "#1f6fb2")):
        line = [place(p["components"], p[key]) for p in points]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                     + " ".join(f"{x},{y}" for x, y in line) + '"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in line]
        ratio = growth["moca_16_to_64" if name == "MoCA" else "dense_16_to_64"]
        parts.append(f'<text x="{line[-1][0] + 8}" y="{line[-1][1] + 4}" fill="{colour}">{name}'
                     f'<tspan x="{line[-1][0] + 8}" dy="14">16 to 64: {ratio:.1f}x</tspan></text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def add_growth(result, build):
    growth = [growth_of(build, dtype) for dtype in BARS]
    write(result | {"growth": growth})
    (RESULTS / "forward_cpu_growth.svg").write_text(svg(growth[0]))


def write(result):
    (RESULTS / "forward_cpu.json").write_text(json.dumps(result, indent=1) + "\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2:] == ["growth"]:
        add_growth(json.loads((RESULTS / "forward_cpu.json").read_text()), build)
        return
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = [row_of(build, dtype, components, repeats)
            for dtype, bars in BARS.items() for components in bars]
    result = {**provenance("one forward of the DiT beside plain PyTorch's PartCrafter "
                           "(scripts/plain_models), no gradient, random weights, CPU time of one "
                           "thread", f"benchmarks/forward_cpu.py BUILD_FOLDER {repeats}"),
              "bars": [bar(f"moca_over_pytorch, {row['dtype']}, N = {row['components']}",
                           row["moca_over_pytorch"], "<=", row["bar"]) for row in rows],
              "sizes": SIZES, "rows": rows}
    write(result)
    add_growth(result, build)


if __name__ == "__main__":
    main()
