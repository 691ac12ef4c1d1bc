"""The time that a plain PyTorch loop takes for one training step of the PartCrafter model: forward,
loss, backward, clipping, AdamW, averaged weights; bf16 by autocast over float weights.

usage: benchmarks/training_step_peer.py DTYPE COMPONENTS ROUNDS < SIZES.json
"""

import json
import statistics
import sys
import time

from forward_cpu_peer import LATENT_CHANNELS, model_of, torch


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    bf16, components, rounds = sys.argv[1] == "bf16", int(sys.argv[2]), int(sys.argv[3])
    sizes = json.load(sys.stdin)
    torch.set_num_threads(sizes["threads"])
    torch.manual_seed(0)
    model = model_of(sizes).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)
    averages = [parameter.detach().clone() for parameter in model.parameters()]
    latents = torch.randn(1, components, sizes["tokens"], LATENT_CHANNELS)
    velocity = torch.ones_like(latents)
    image = torch.randn(1, sizes["image_tokens"], sizes["image_width"])
    ids = torch.arange(components)[None]
    noise_level = torch.tensor([0.5])

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            predicted = model(latents, noise_level, image, ids)
            loss = torch.nn.functional.mse_loss(predicted.float(), velocity)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            for average, parameter in zip(averages, model.parameters()):
                average.lerp_(parameter, 1e-4)

    cpu, wall = [], []
    for i in range(rounds + 1):  # the first does not count
        start_cpu, start_wall = time.process_time(), time.monotonic()
        step()
        if i > 0:
            cpu.append(1e3 * (time.process_time() - start_cpu))
            wall.append(1e3 * (time.monotonic() - start_wall))
    print(json.dumps({"cpu_ms": statistics.median(cpu), "wall_ms": statistics.median(wall),
                      "parameters": sum(p.numel() for p in model.parameters())}))


if __name__ == "__main__":
    main()
