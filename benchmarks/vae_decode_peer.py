"""The time that the plain PyTorch module of the same maths takes for what vae_decode.cpp measures.

usage: benchmarks/vae_decode_peer.py [fp32|bf16] [threads] [query points] [latent tokens]
"""

import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

from plain_models import cpu_torch  # noqa: E402,F401 (before torch)
import torch  # noqa: E402

from plain_models.vae import VecsetVae  # noqa: E402

CONFIG = {"latent_channels": 64, "num_heads": 8, "width_encoder": 512, "width_decoder": 1024,
          "num_layers_encoder": 8, "num_layers_decoder": 16, "num_frequencies": 8,
          "frequencies_include_pi": False}
CHUNK = 50000  # query points at a time, as upstream


def timed(compute):
    cpu, wall = time.process_time(), time.monotonic()
    result = compute()
    return result, round(time.process_time() - cpu, 3), round(time.monotonic() - wall, 3)


def main():
    arguments = sys.argv[1:] + ["fp32", "1", "50000", "1024"][len(sys.argv) - 1:]
    dtype, (threads, num_queries, num_tokens) = arguments[0], map(int, arguments[1:])
    if dtype not in ("fp32", "bf16"):
        sys.exit(__doc__)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    vae = VecsetVae(CONFIG).to(torch.bfloat16 if dtype == "bf16" else torch.float32)
    latents = torch.randn(1, num_tokens, CONFIG["latent_channels"]).to(vae.quant.weight.dtype)
    points = torch.randn(1, num_queries, 3).clamp(-1, 1)
    with torch.no_grad():
        vae.decode(latents, points[:, :4096])  # warms up
        hidden, hidden_cpu, hidden_wall = timed(lambda: vae.hidden(latents))
        _, query_cpu, query_wall = timed(
            lambda: [vae.query(hidden, part) for part in points.split(CHUNK, dim=1)])
    print(json.dumps({
        "side": "pytorch", "dtype": dtype, "threads": threads, "query_points": num_queries,
        "latent_tokens": num_tokens, "hidden_cpu_s": hidden_cpu, "hidden_wall_s": hidden_wall,
        "query_cpu_s": query_cpu, "query_wall_s": query_wall}))


if __name__ == "__main__":
    main()
