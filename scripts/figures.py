"""Writes the figures of README.md and docs from the files of benchmarks/results.

usage: scripts/figures.py [--check]     --check: change nothing, exit with 1 where a text differs

What stands between `<!-- figures: NAME -->` and `<!-- end -->` is written by the function NAME below.
A bar of a result that its value misses is printed; --check also fails on a result without its origin.
"""

import json
import operator
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TEXTS = ("README.md", "benchmarks/README.md", "docs/training.md")
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
ORIGIN = ("how", "command", "revision", "date", "hardware", "bars")
RELATIONS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}
COMPONENTS = (2, 4, 8, 16)


def load(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def paragraph(text):
    return textwrap.fill(text, 104, break_long_words=False, break_on_hyphens=False) + "\n"


def scores(values, *keys):
    """Three decimals; what was not scored is empty."""
    return [f"{values[key]:.3f}" if key in values else "" for key in keys]


KEYS = ("chamfer", "f_score_0.1", "f_score_0.05", "self_iou")
SCORES = ["", "Chamfer", "F@0.1", "F@0.05", "self-IoU"]


def quickstart():
    result = load("quickstart")
    train, test, vae = result["train"], result["test"], result["vae_components"]["train"]
    text = paragraph(
        f"`scripts/quickstart.sh` on a fresh Debian 12 with two CPU cores: "
        f"**{result['total_minutes']:.0f} minutes** from the clone to the report, "
        f"{result['train_minutes']:.1f} of them training, {result['peak_memory_gib']:.1f} GiB of "
        f"memory at most ([quickstart.json](benchmarks/results/quickstart.json), revision "
        f"{result['revision']}). {train['num_assets']} procedural assets "
        f"({vae['num_components']} components), each generated from its own 64 x 64 image with a "
        f"fixed seed, means:")
    rows = [
        ["generated, assets trained on", *scores(train["generated"], *KEYS)],
        ["the same against another asset's reference (control)", *scores(train["control"], *KEYS)],
        ["from another asset's image, against that asset", *scores(train["other_picture"], *KEYS)],
        ["VAE reconstruction", *scores(train["vae_reconstruction"], *KEYS)],
        [f"generated, {test['num_assets']} assets not trained on", *scores(test["generated"], *KEYS)],
    ]
    return (text + "\n" + table(SCORES, rows) + f"\nVAE, {SCORES[3]} over all {vae['num_components']} "
            f"components: median {vae[KEYS[2] + '_median']:.3f}, mean {vae[KEYS[2] + '_mean']:.3f}.\n")


def real_small():
    result = load("real_small")
    train, test = result["train"], result["test"]
    rows = [
        [f"generated, {train['num_assets']} assets trained on", *scores(train["generated"], *KEYS)],
        ["control", *scores(train["control"], *KEYS)],
        ["VAE reconstruction (ceiling)", *scores(train["vae_reconstruction"], *KEYS)],
        [f"generated, {test['num_assets']} assets not trained on",
         *scores(test["generated"], *KEYS)],
        ["their control", *scores(test["control"], *KEYS)],
        ["their VAE reconstruction", *scores(test["vae_reconstruction"], *KEYS)],
    ]
    minutes, empty = result["train_minutes"], train["empty_components"]
    of = empty["generated"]["of"]
    return paragraph(
        f"{minutes['vae']:.0f} + {minutes['dit']:.0f} minutes of training on two cores, revision "
        f"{result['revision']} ([real_small.json](benchmarks/results/real_small.json)):"
    ) + "\n" + table(SCORES, rows) + "\n" + paragraph(
        f"Empty of the {of} components trained on: {empty['generated']['count']} as generated, "
        f"{empty['vae_reconstruction']['count']} as reconstructed by the VAE, "
        f"{empty['exact_field']['count']} as extracted from their exact fields, being thinner than the "
        f"lattice's step.")


def ratios(rows, key, dtype):
    """The rows' values in the order of COMPONENTS."""
    found = {row["components"]: row[key] for row in rows if row["dtype"] == dtype}
    return [f"{found[count]:.2f}" for count in COMPONENTS]


def span(rows, key, dtype):
    values = [row[key] for row in rows if row["dtype"] == dtype]
    return f"{min(values):.2f} to {max(values):.2f}"


def speed():
    forward, attention = load("forward_cpu"), load("attention_cpu")
    zen4 = load("forward_cpu_zen4")
    rows = []
    for dtype in ("fp32", "bf16"):
        rows += [
            [f"whole forward, {dtype} / plain PyTorch's PartCrafter",
             *ratios(forward["rows"], "moca_over_pytorch", dtype)],
            [f"the same / PartCrafter's own code, {zen4['hardware']['cpu']}, measured in an audit",
             *ratios(zen4["rows"], "moca_over_partcrafter", dtype)],
            [f"whole forward, {dtype} / our dense baseline", *ratios(forward["rows"], "moca_over_dense", dtype)],
        ]
    rows += [
        ["MoC attention of a global block, fp32 / our dense attention",
         *ratios(attention["rows"], "moc_over_dense", "fp32")],
        ["the same, forward and backward",
         *ratios(attention["rows"], "moc_over_dense_training", "fp32")],
    ]
    return table(["ours / peer"] + [f"N = {count}" for count in COMPONENTS], rows) + "\n" + more()


def more():
    decode = {(row["moca"], row["pytorch"]): row["query_ratio"] for row in load("vae_decode")["ratios"]
              if row["threads"] == 1}
    dense = load("attention_cpu")["dense"]["rows"]
    steps = {row["dtype"]: row for row in load("training_step_cpu")["rows"]}
    growth = {row["dtype"]: row for row in load("forward_cpu")["growth"]}
    loads = {row["precision"]: row for row in load("full_size")["runs"]}
    million = steps["fp32"]["parameters"] / 1e6
    rows = [
        ["decode of 50,000 queries at the released VAE's size / plain PyTorch's fp32",
         f"fp32 {decode['fp32', 'fp32']:.2f}, bf16 {decode['bf16', 'fp32']:.2f}"],
        ["our dense attention / LibTorch's SDPA on the same tokens, forward",
         f"fp32 {span(dense, 'dense_over_sdpa', 'fp32')}, "
         f"bf16 {span(dense, 'dense_over_sdpa', 'bf16')}"],
        [f"a training step of a {million:.0f} M-parameter model / a plain PyTorch loop of "
         "PartCrafter, N = 8",
         "our dense baseline " + ", ".join(f"{t} {steps[t]['dense_over_pytorch']:.2f}" for t in steps)
         + "; MoCA " + ", ".join(f"{t} {steps[t]['moca_over_pytorch']:.2f}" for t in steps)],
        ["time of a forward at N = 64 / at N = 16 "
         "([curve](benchmarks/results/forward_cpu_growth.svg))",
         ", ".join(f"{t} {growth[t]['moca_16_to_64']:.1f}" for t in growth)
         + "; dense " + ", ".join(f"{t} {growth[t]['dense_16_to_64']:.1f}" for t in growth)],
        [f"loading the {loads['fp32']['file_gb']:.2f} GB DiT: peak memory / file",
         ", ".join(f"{t} {loads[t]['peak_over_file']:.2f}" for t in loads)],
        ["its forward in bf16, N = 2, L = 512, two threads",
         f"{loads['bf16']['forward_s']:.1f} s inside "
         f"{loads['bf16']['peak_memory_forward_gb']:.1f} GB"],
    ]
    return table(["ours / peer, or as said", ""], rows)


def checkpointing():
    result = load("training_step_cpu")
    memory = result["memory_gib_of_32_components"]
    factors = [row["checkpointed_over_moca"] for row in result["rows"]]
    return paragraph(
        f"32 components of 512 tokens, width 512, five blocks, fp32 on a CPU: "
        f"{memory['checkpointed']:.1f} instead of {memory['moca']:.1f} GiB for {min(factors):.1f} to "
        f"{max(factors):.1f} times the time.")


def gpu():
    result = load("gpu_h200")
    run, trace = result["object_512"], result["object_512"]["trace_of_one_step"]
    spent = trace["kernels_that_take_most_ms"]
    card = result["hardware"]["gpu"].split(",")[0]
    text = paragraph(
        f"One {card} ([gpu_h200.json](../benchmarks/results/gpu_h200.json)), random weights, bf16: a "
        f"step of object_512 with 32 components in assets of eight takes "
        f"**{run['seconds_per_step']:.2f} s** ({run['model_tflops_per_second']:.0f} TFLOP/s without "
        f"what is computed again) and {run['gpu_memory_mib'] / 1024:.1f} GiB, nothing sharded. The "
        f"GPU is busy for {trace['busy_milliseconds']:.0f} of {trace['milliseconds']:.0f} ms of a "
        f"traced step: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in sorted(
            spent.items(), key=lambda item: -item[1])) + ". Attention of one global block, width "
        "2048, L = 512, M = 64, k = 4, ms:")
    rows = [[str(row["components"])] + [
        f"{row[key]:.2f}" for key in ("dense_ms", "moc_ms", "moc_over_dense", "dense_training_ms",
                                      "moc_training_ms", "moc_over_dense_training")]
        for row in result["attention"]["rows"]]
    header = ["N", "dense", "MoC", "ratio", "dense, with backward", "MoC", "ratio"]
    return text + "\n" + table(header, rows) + "\n" + first_calls(result)


def first_calls(result):
    """What a kernel of cuDNN costs the first time, from the same file."""
    calls = [row["first_call_ms"] for row in result["attention_kernels_of_libtorch"]
             if row["kernel"] == "cudnn"]
    return paragraph(
        f"Attention is LibTorch's, cuDNN's kernels first. cuDNN prepares every new shape, for "
        f"{min(calls):.0f} ms to {max(calls) / 1000:.1f} s, the first of a kind longest. "
        "`TORCH_CUDNN_SDPA_DEPRIORITIZED=1` puts it last, for short runs and tests.")


def bars():
    rows, missed_bars = [], []
    for file in sorted(RESULTS.glob("*.json")):
        result = json.loads(file.read_text())
        missed = [line for line in result["bars"] if not holds(line)]
        hardware = result["hardware"].get("gpu") or result["hardware"]["cpu"]
        count = len(result["bars"])
        met = f"{count - len(missed)} of {count}" if count else "none set"
        rows.append([f"[{file.name}](results/{file.name})", result["date"], result["revision"], hardware,
                     met])
        missed_bars += [f"* {file.stem}: {line['name']}: {line['value']} instead of "
                        f"{line['relation']} {line['bar']}\n" for line in missed]
    text = table(["file", "date", "revision", "CPU or GPU", "bars met"], rows)
    return text + ("\nMissed:\n\n" + "".join(missed_bars) if missed_bars else "")


def holds(line):
    return RELATIONS[line["relation"]](line["value"], line["bar"])


def complaints_about(file):
    result = json.loads(file.read_text())
    missing = [key for key in ORIGIN if key not in result]
    if missing:
        return [f"{file.relative_to(ROOT)}: lacks {', '.join(missing)}"]
    return []


def report_missed(file):
    for line in json.loads(file.read_text()).get("bars", []):
        if not holds(line):
            print(f"missed: {file.name}: {line['name']} = {line['value']}, must be "
                  f"{line['relation']} {line['bar']}")


def rewritten(text):
    return BLOCK.sub(lambda found: found[1] + globals()[found[2]]() + found[3], text)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    files = sorted(RESULTS.glob("*.json"))
    complaints = [line for file in files for line in complaints_about(file)]
    for name in TEXTS:
        text = (ROOT / name).read_text()
        right = rewritten(text)
        if right != text and check:
            complaints.append(f"{name}: its figures are not those of benchmarks/results; run "
                              "scripts/figures.py")
        elif right != text:
            (ROOT / name).write_text(right)
    for file in files:
        report_missed(file)
    if complaints:
        sys.exit("\n".join(complaints))


if __name__ == "__main__":
    main()
