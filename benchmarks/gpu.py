"""Writes gpu_h200.json (by the GPU's name) from what scripts/gpu_first_run.sh left.

usage: benchmarks/gpu.py FOLDER[=REVISION] ...
Of a step that several folders have the last counts; REVISION: what ran there, where it is not the
checkout's. The times of LibTorch's own kernels (step sdpa) are carried over from the file, with the
revision that they were measured with.
"""

import json
import pathlib
import re
import statistics
import sys

from provenance import bar, provenance, revision

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
FULL = {"width": 2048, "heads": 16, "tokens": 512, "selected": 4, "compressed": 64}
# What a kernel of a trace belongs to, by its name; the first that fits.
KINDS = (("our kernels (packing, gates)", r"moca::"), ("attention (cuDNN)", r"cudnn"),
         ("matrix products", r"nvjet|gemm|cutlass"), ("norms", r"layer_norm|GammaBeta"),
         ("optimiser and averages", r"multi_tensor|Optimizer"),
         ("copies and casts", r"copy|Memcpy|CatArray|Memset|Fill"))
NEEDED = ("hardware", "libraries", "kernels", "memcheck", "racecheck", "parity", "gradients", "runs",
          "nccl", "tiny", "same_bits", "attention", "forward", "step", "nearest_points", "full_size",
          "profile")
COUNTED = {"memcheck": r"ERROR SUMMARY: (\d+)", "racecheck": r"RACECHECK SUMMARY: (\d+)"}


def steps_of(folder, revision_there):
    """Of every step of a folder its record, with what it printed and what ran."""
    record = json.loads((folder / "gpu_first_run.json").read_text())
    log = re.split(r"^== (\w+)$", (folder / "gpu_first_run.log").read_text(), flags=re.M)
    printed = dict(zip(log[1::2], log[2::2]))
    return {step["name"]: step | {"printed": printed.get(step["name"], ""), "gpu": record["gpu"],
                                  "revision": revision_there} for step in record["steps"]}


def number(step, pattern):
    found = re.findall(pattern, step["printed"])
    if not found:
        sys.exit(f"gpu.py: step {step['name']} did not print {pattern}")
    return float(found[-1])


def wall(row):
    """Times as milliseconds of the clock."""
    return {key if not isinstance(value, dict) else f"{key}_ms":
            round(value["wall_ms"] if isinstance(value, dict) else value, 4)
            for key, value in row.items() if not isinstance(value, str)}


def table(step, **sizes):
    return FULL | sizes | {"rows": [wall(row) for row in step["figures"]["rows"]]}


def kernels(step):
    """ncu's rows: kernel, bytes, time."""
    rows = {}
    for block in re.split(r"unnamed>::(?=\w+[<(])", step["printed"])[1:]:
        name = re.match(r"(?:for_each_token<)?(\w+)", block)[1]
        size = re.search(r"dram__bytes.sum\s+(\w)byte\s+([\d.]+)", block)
        time = re.search(r"gpu__time_duration.sum\s+(\w+)\s+([\d.]+)", block)
        megabytes = float(size[2]) * {"K": 1e-3, "M": 1, "G": 1e3}[size[1]]
        seconds = float(time[2]) * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}[time[1]]
        rows.setdefault((name, round(megabytes, -1)), []).append((megabytes, seconds))
    return [{"kernel": name, "launches": len(of), "megabytes": round(of[0][0], 1),
             "microseconds_slowest": round(1e6 * max(s for _, s in of), 2),
             "tb_per_second_slowest": round(min(1e-6 * mb / s for mb, s in of), 2)}
            for (name, _), of in rows.items() if of[0][0] > 1]


def object_512(step):
    lines = [json.loads(line) for line in step["printed"].splitlines() if line.startswith('{"step"')]
    settled = lines[10:]
    took = re.search(r"trace: (\d+) kernels and copies in ([\d.]+) ms, the GPU is busy for ([\d.]+)",
                     step["printed"])
    spent = {}
    for ms, name in re.findall(r"^ +([\d.]+) ms +\d+ x (.*)$", step["printed"], re.M):
        kind = next((kind for kind, pattern in KINDS if re.search(pattern, name)), "other")
        spent[kind] = round(spent.get(kind, 0) + float(ms), 1)
    waits = re.search(r"cudaStreamSynchronize (\d+)", step["printed"])
    return {"parameters": 1e6 * number(step, r"([\d.]+) M trainable"),
            "components": settled[0]["components"], "steps": len(settled),
            "seconds_per_step": round(statistics.median(row["seconds_per_step"] for row in settled), 4),
            "model_tflops_per_second": round(statistics.median(
                row["model_tflops_per_second"] for row in settled), 1),
            "data_wait_seconds": statistics.median(row["data_wait_seconds"] for row in settled),
            "gpu_memory_mib": number(step, r"most memory in use: (\d+)"),
            "trace_of_one_step": {
                "kernels_and_copies": int(took[1]), "milliseconds": float(took[2]),
                "busy_milliseconds": float(took[3]),
                "stream_synchronisations": int(waits[1]) if waits else None,
                "kernels_that_take_most_ms": spent}}


def bars(steps, full_size, rows):
    tests = r"\[  PASSED  \] (\d+) test"
    packing = [row["tb_per_second_slowest"] for row in rows if row["kernel"] == "PackContext"]
    same = len(re.findall("deterministic: .*: the same bits", steps["same_bits"]["printed"]))
    return [
        bar("golden fixtures that agree on the GPU (verify --device cuda)",
            number(steps["parity"], r"(\d+) of \d+ fixtures agree"), "==", 13),
        bar("models whose outputs, gradients and ten AdamW steps agree with PyTorch's CPU",
            number(steps["gradients"], tests), "==", 9),
        bar("largest relative difference of a training loss to the CPU, fp32, 8 steps of tiny_object_512",
            number(steps["tiny"], r"to the CPU: (\S+)"), "<=", 1e-5),
        *(bar(f"errors that compute-sanitizer {tool} finds in packing, routing and farthest point sampling",
              number(steps[tool], pattern), "==", 0) for tool, pattern in COUNTED.items()),
        bar("two equal runs of tiny_object_512 in bf16 whose weights differ, of 2", 2 - same, "==", 0),
        *(bar(f"steps that failed: {name}", int(steps[name]["status"] != 0), "==", 0)
          for name in ("libraries", "kernels", "runs", "nccl")),
        bar("MoC attention over dense, forward, N = 64",
            steps["attention"]["figures"]["rows"][-1]["moc_over_dense"], "<=", 1.0),
        bar("slowest launch of the packing kernel, TB/s", min(packing), ">=", 3.0),
        bar("nearest of 204,800 points for as many on the GPU over the tree on 16 threads, seconds",
            steps["nearest_points"]["figures"]["gpu_seconds"] /
            steps["nearest_points"]["figures"]["tree_seconds"], "<=", 1.0),
        bar("step of 32 components in eight-component assets, object_512, seconds (predicted 0.36)",
            full_size["seconds_per_step"], "<=", 0.36),
        bar("GPU memory of that step without sharding, GB (predicted 41)",
            round(full_size["gpu_memory_mib"] * 2**20 / 1e9, 1), "<=", 41),
        bar("waits of the host in that step, which logs its measurements",
            full_size["trace_of_one_step"]["stream_synchronisations"], "<=", 8)]


def main():
    steps = {}
    for argument in sys.argv[1:]:
        folder, _, there = argument.partition("=")
        steps |= steps_of(pathlib.Path(folder), there or revision())
    if not steps:
        sys.exit(__doc__)
    hardware = steps["hardware"]
    missing = [name for name in NEEDED if name not in steps]
    if missing:
        sys.exit(f"gpu.py: no folder has the steps {', '.join(missing)}")
    path = RESULTS / f"gpu_{re.search('[A-Z]+[0-9]+', hardware['gpu'])[0].lower()}.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    full_size, rows = object_512(steps["full_size"]), kernels(steps["profile"])
    result = provenance(
        "The bundle of scripts/bundle.sh on a machine with one GPU: our kernels beside the CPU's loops, "
        "the golden tensors of every model on the GPU, gradients and ten AdamW steps beside PyTorch's "
        "CPU, whole runs, then times. Random weights of TripoSG's sizes, bf16.",
        "scripts/bundle.sh && scripts/gpu_first_run.sh build/moca-bundle FOLDER && benchmarks/gpu.py FOLDER")
    result["revision"] = steps["full_size"]["revision"]
    result["hardware"] = {
        "gpu": hardware["gpu"].replace("MiB, ", "MiB, driver "), "cores": 16,
        "software": re.search(r"^torch .*$", hardware["printed"], re.M)[0],
        "bf16_product_tflops_per_second": number(hardware, r"bf16: (\d+) TFLOP"),
        "copy_tb_per_second": number(hardware, r"copy: ([\d.]+) TB")}
    result |= {
        "bars": bars(steps, full_size, rows),
        "not_measured": ["more than one GPU"],
        "steps": [{key: step[key] for key in ("name", "status", "seconds", "revision")}
                  for step in steps.values()],
        "attention": table(steps["attention"]),
        "forward": table(steps["forward"], blocks=5),
        "training_step": table(steps["step"], blocks=5),
        "nearest_points": steps["nearest_points"]["figures"],
        "object_512": full_size,
        "attention_kernels_of_libtorch": earlier.get("attention_kernels_of_libtorch", {}),
        "our_kernels": {"how": "ncu, N = 16, L = 512, M = 64, k = 4, 16 heads of 128, bf16",
                        "rows": rows}}
    for step in steps.values():
        if step["status"] not in (0, "needs a GPU"):
            result["not_measured"].append(f"{step['name']}: ended with code {step['status']}")
    path.write_text(json.dumps(result, indent=1) + "\n")


main()
