"""Compares the memory that `moca train --dry-run` says a run needs with what the run then takes, on
twelve configurations; writes benchmarks/results/memory_estimate.json. The runs save beside every
step, so that the largest one meets the copy of a checkpoint, which the estimate provides for.

usage: benchmarks/memory_estimate.py BUILD_FOLDER
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from forward_cpu import RESULTS, ROOT
from provenance import bar, provenance

BAR = 0.10
DIT = {"stage": "dit", "dit.width": 256, "dit.num_heads": 4, "dit.num_layers": 6,
       "training.batch_size": 4, "dit_training.num_cached_encodings": 1}
VARIANTS = {
    "vae": {"stage": "vae"},
    "vae, fp32": {"stage": "vae", "training.precision": "fp32"},
    "vae, 64 components": {"stage": "vae", "training.batch_size": 64},
    "moca": DIT,
    "moca, bf16": DIT | {"training.precision": "bf16"},
    "dense": DIT | {"dit.global_attention": "dense"},
    "width 512": DIT | {"dit.width": 512, "dit.num_heads": 8},
    "24 components": DIT | {"dit_training.max_components": 24},
    "24 components, activation checkpointing": DIT | {
        "dit_training.max_components": 24, "dit_training.activation_checkpointing": "true"},
    "width 768, three micro-batches": DIT | {"dit.width": 768, "dit.num_heads": 12,
                                             "training.micro_batches": 3},
    "width 512, LoRA": DIT | {"dit.width": 512, "dit.num_heads": 8, "adapter.kind": "lora", "adapter.lora.rank": 4,
                              "adapter.lora.targets": "[attn1.to_q, attn1.to_v]"},
    "wide image encoder": DIT | {"image_encoder.width": 512, "image_encoder.num_layers": 6,
                                 "image_encoder.num_heads": 8},
}
COMMON = {"training.num_threads": 1, "training.max_steps": 10, "training.checkpoint_every": 1,
          "training.log_every": 1, "vae.num_tokens": 64, "vae.width_encoder": 128,
          "vae.num_surface_points": 256, "dit.num_compressed_tokens": 8}


def moca(build, *arguments, folder):
    """Output and peak memory in GiB."""
    process = subprocess.Popen([str(build / "moca"), *map(str, arguments)], cwd=folder, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=os.environ | {"OMP_NUM_THREADS": "1"})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"moca {' '.join(map(str, arguments))}\n{output}")
    return output, usage.ru_maxrss / 2**20


def row_of(build, folder, name, settings):
    config = ROOT / "configs" / ("quickstart_vae.yaml" if settings["stage"] == "vae" else
                                 "quickstart.yaml")
    wanted = COMMON | {"name": re.sub(r"\W+", "_", name)} | settings
    arguments = [config, *(f"{key}={value}" for key, value in wanted.items())]
    said, _ = moca(build, "train", "--dry-run", *arguments, folder=folder)
    estimate = float(re.search(r"([0-9.]+) GiB of main memory with the copy", said)[1])
    _, peak = moca(build, "train", *arguments, folder=folder)
    row = {"run": name, "estimate_gib": estimate, "peak_gib": round(peak, 3),
           "error": round(estimate / peak - 1, 4)}
    print(row, flush=True)
    return row


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        quickstart = ROOT / "configs/quickstart_vae.yaml"
        moca(build, "prepare-data", quickstart, folder=folder)
        shared = [f"{key}={value}" for key, value in COMMON.items()]
        moca(build, "train", quickstart, *shared, folder=folder)  # runs/quickstart_vae
        rows = [row_of(build, folder, name, settings) for name, settings in VARIANTS.items()]
    within = sum(abs(row["error"]) <= BAR for row in rows)
    result = {**provenance("main memory a run needs, as --dry-run says it, against its peak",
                           "benchmarks/memory_estimate.py BUILD_FOLDER"),
              "bars": [bar(f"configurations within {BAR:.0%}", within, ">=", len(rows))],
              "rows": rows}
    (RESULTS / "memory_estimate.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
