"""Rectified flow as TripoSG and PartCrafter sample and train it; a model gives latents - noise."""

import math

import torch


def shifted(level, init, mu):
    """A noise level in double after the static or the dynamic shift."""
    if init["use_dynamic_shifting"]:
        return math.exp(mu) / (math.exp(mu) + (1.0 / level - 1.0))
    shift = init["shift"]
    return shift * level / (1.0 + (shift - 1.0) * level)


def sampling_table(steps, init, mu=0.0):
    """Timesteps [steps] and noise levels [steps + 1], which end at 0, in float."""
    levels = torch.tensor([shifted(1.0 - i / steps, init, mu) for i in range(steps)] + [0.0])
    return levels[:-1] * init["num_train_timesteps"], levels


def training_table(init):
    """Timesteps and noise levels of training; only the static shift is in them."""
    count = init["num_train_timesteps"]
    levels = torch.arange(count, 0, -1, dtype=torch.float32) / count
    if not init["use_dynamic_shifting"]:
        levels = init["shift"] * levels / (1 + (init["shift"] - 1) * levels)
    return levels * count, levels


def euler_step(latents, prediction, level, next_level):
    return latents + (level - next_level) * prediction


def mix(clean, noise, level):
    level = level.view(-1, *[1] * (clean.dim() - 1))
    return (1.0 - level) * clean + level * noise


def mode_density(uniform, scale):
    return 1 - uniform - scale * (torch.cos(math.pi * uniform / 2) ** 2 - 1 + uniform)


def loss_weight(level, scheme):
    if scheme == "sigma_sqrt":
        return level**-2.0
    if scheme == "cosmap":
        return 2 / (math.pi * (1 - 2 * level + 2 * level**2))
    return torch.ones_like(level)


def sample_parts(dit, latents, image, steps, init, guidance_scale):
    """PartCrafter's loop over one object's latents [N, L, C]: predictions and latents of all steps.

    The half without the image has the part ids 0 .. N - 1 and a context of zeros, the other half
    goes on counting.
    """
    count = len(latents)
    ids = torch.arange(2 * count)
    levels = sampling_table(steps, init)[1].to(latents.dtype)
    predictions, states = [], []
    for i in range(steps):
        without = dit.of_asset(latents, levels[i], torch.zeros_like(image), ids[:count])
        conditioned = dit.of_asset(latents, levels[i], image, ids[count:])
        prediction = without + guidance_scale * (conditioned - without)
        latents = euler_step(latents, prediction, levels[i], levels[i + 1])
        predictions.append(prediction)
        states.append(latents)
    return predictions, states
