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


KEYS = ("chamfer", "f_score_0.1", "f_score_0.05", "self_iou", "control_f_score_0.1",
        "vae_reconstruction_f_score_0.1")
SCORES = ["asset and its input image", "Chamfer", "F@0.1", "F@0.05", "self-IoU", "baseline F@0.1",
          "VAE F@0.1"]


def row_of(split, name):
    """Of the table of SCORES: an evaluation's split."""
    values = dict(split["generated"])
    for key, scene in ((KEYS[4], "control"), (KEYS[5], "vae_reconstruction")):
        if KEYS[1] in split.get(scene, {}):
            values[key] = split[scene][KEYS[1]]
    return [f"{split['num_assets']} {name}", *scores(values, *KEYS)]


def quickstart():
    result = load("quickstart")
    text = paragraph(
        f"`scripts/quickstart.sh` on a fresh Debian 12 with two CPU cores: "
        f"**{result['total_minutes']:.0f} minutes** from the clone to the report, "
        f"{result['train_minutes']:.1f} of them training, {result['peak_memory_gib']:.1f} GiB of "
        f"memory at most ([quickstart.json](benchmarks/results/quickstart.json), revision "
        f"{result['revision']}). Means over assets, each generated from one 64 x 64 image:")
    rows = [row_of(result["train"], "trained on"), row_of(result["test"], "not trained on")]
    return (text + "\n" + table(SCORES, rows) + "\n" + paragraph(
        f"Given another asset's image, the model generates that other asset: F@0.1 "
        f"{result['train']['other_picture'][KEYS[1]]:.3f} against it."))


def real_small():
    result = load("real_small")
    rows = [row_of(result["train"], "trained on"), row_of(result["test"], "not trained on")]
    minutes, empty = result["train_minutes"], result["train"]["empty_components"]
    of = empty["generated"]["of"]
    return paragraph(
        f"{minutes['vae']:.0f} + {minutes['dit']:.0f} minutes of training on two cores, revision "
        f"{result['revision']} ([real_small.json](benchmarks/results/real_small.json)):"
    ) + "\n" + table(SCORES, rows) + "\n" + paragraph(
        f"Empty of the {of} components trained on: {empty['generated']['count']} as generated, "
        f"{empty['vae_reconstruction']['count']} as reconstructed by the VAE, "
        f"{empty['exact_field']['count']} as extracted from their exact fields, being thinner than the "
        f"lattice's step.")


def by_size(rows):
    return {(row["dtype"], row["components"]): row for row in rows}


def span(rows, *keys):
    values = [row[key] for row in rows for key in keys]
    return f"{min(values):.2f} to {max(values):.2f}"


def seconds(milliseconds):
    return f"{milliseconds / 1000:.2f} s"


def speed():
    forward, attention = load("forward_cpu"), by_size(load("attention_cpu")["rows"])
    rows = []
    for (dtype, count), row in by_size(forward["rows"]).items():
        own = attention[dtype, count]
        rows.append([dtype, str(count), seconds(row["moca_ms"]), seconds(row["dense_ms"]),
                     seconds(row["pytorch_ms"]), f"{row['moca_over_dense']:.2f}",
                     f"**{row['moca_over_pytorch']:.2f}**", f"{own['moc_over_dense']:.2f}"])
    header = ["", "N", "MoCA", "dense", "PyTorch", "MoCA / dense", "MoCA / PyTorch",
              "attention alone, MoC / dense"]
    return table(header, rows) + "\n" + growth(forward) + "\n" + more()


def growth(forward):
    rows = {row["dtype"]: row for row in forward["growth"]}
    audit = load("forward_cpu_zen4")["rows"]
    moca, dense = rows["fp32"]["moca_16_to_64"], rows["fp32"]["dense_16_to_64"]
    return paragraph(
        f"From N = 16 to N = 64 the time grows {moca:.1f} times with MoCA and {dense:.1f} times with dense "
        f"attention ([curve](benchmarks/results/forward_cpu_growth.svg)). In a second measurement MoCA took "
        f"{span(audit, 'moca_over_partcrafter')} times the time of PartCrafter's own code.")


def more():
    decode = {(row["moca"], row["pytorch"]): row["query_ratio"] for row in load("vae_decode")["ratios"]
              if row["threads"] == 1}
    runs = load("vae_decode")["runs"]
    steps = {row["dtype"]: row for row in load("training_step_cpu")["rows"]}
    million = steps["fp32"]["parameters"] / 1e6

    def decoding(side, dtype):
        return min(run["query_cpu_s"] for run in runs
                   if (run["side"], run["dtype"], run["threads"]) == (side, dtype, 1))

    rows = [[f"decoding 50,000 points at the released VAE's size, {dtype}",
             f"{decoding('moca', dtype):.1f} s", f"{decoding('pytorch', dtype):.1f} s",
             f"{decode[dtype, dtype]:.2f}"] for dtype in steps]
    rows += [[f"a training step, {million:.0f} M parameters, N = 8, {dtype}",
              f"{row['moca_over_pytorch'] * row['pytorch_ms'] / 1000:.1f} s",
              f"{row['pytorch_ms'] / 1000:.1f} s", f"{row['moca_over_pytorch']:.2f}"]
             for dtype, row in steps.items()]
    loads = {row["precision"]: row for row in load("full_size")["runs"]}
    dense = load("attention_cpu")["dense"]["rows"]
    return table(["", "moca", "plain PyTorch", "ratio"], rows) + "\n" + paragraph(
        f"The dense baseline's attention takes {span(dense, 'dense_over_sdpa')} times the time of LibTorch's "
        f"own. Weights of PartCrafter's size ({loads['fp32']['file_gb']:.2f} GB) are loaded within "
        f"{loads['fp32']['peak_memory_gb']:.1f} GB in fp32 and {loads['bf16']['peak_memory_gb']:.1f} GB in "
        f"bf16; a forward in bf16 with N = 2 takes {loads['bf16']['forward_s']:.1f} s on two threads.")


def checkpointing():
    result = load("training_step_cpu")
    memory = result["memory_gib_of_32_components"]
    factors = [row["checkpointed_over_moca"] for row in result["rows"]]
    return paragraph(
        f"32 components of 512 tokens, width 512, five blocks, fp32 on a CPU: "
        f"{memory['checkpointed']:.1f} instead of {memory['moca']:.1f} GiB for {max(factors):.1f} times "
        f"the time.")


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
    calls = [row["first_call_ms"] for row in result["attention_kernels_of_libtorch"]["rows"]
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
