"""The time that a plain PyTorch statement of the PartCrafter model takes for one forward: dense
global attention by F.scaled_dot_product_attention, image keys and values per component, as upstream.

usage: benchmarks/forward_cpu_peer.py DTYPE COMPONENTS ROUNDS < SIZES.json
"""

import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

from plain_models import cpu_torch  # noqa: E402,F401 (before torch)
import torch  # noqa: E402

from plain_models.dit import Dit  # noqa: E402

LATENT_CHANNELS = 64


def model_of(sizes):
    return Dit({
        "width": sizes["width"], "num_heads": sizes["heads"], "num_layers": sizes["blocks"],
        "global_attention": "dense", "global_blocks": [], "codebook_size": 64,
        "latent_channels": LATENT_CHANNELS, "image_width": sizes["image_width"]})


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[sys.argv[1]]
    components, rounds = int(sys.argv[2]), int(sys.argv[3])
    sizes = json.load(sys.stdin)
    torch.set_num_threads(sizes["threads"])
    torch.manual_seed(0)
    model = model_of(sizes).to(dtype).eval()
    latents = torch.randn(1, components, sizes["tokens"], LATENT_CHANNELS, dtype=dtype)
    image = torch.randn(1, sizes["image_tokens"], sizes["image_width"], dtype=dtype)
    ids = torch.arange(components)[None]
    noise_level = torch.tensor([0.5])
    cpu, wall = [], []
    with torch.no_grad():
        for i in range(rounds + 1):  # the first does not count
            start_cpu, start_wall = time.process_time(), time.monotonic()
            model(latents, noise_level, image, ids)
            if i > 0:
                cpu.append(1e3 * (time.process_time() - start_cpu))
                wall.append(1e3 * (time.monotonic() - start_wall))
    print(json.dumps({"cpu_ms": statistics.median(cpu), "wall_ms": statistics.median(wall)}))


if __name__ == "__main__":
    main()
