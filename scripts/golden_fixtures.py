"""Writes golden tensors: the files of `moca verify`, with tiny random models, computed by the plain
statements of plain_models and nothing else.

usage: scripts/golden_fixtures.py FOLDER [NAME ...]      no name: all of them

NAME.safetensors holds the weights under the public checkpoints' names, inputs/ and outputs/;
NAME.json the kind, the configuration and, where a model ran, the noise: the largest difference to
the same computation in float64. metrics.json and meshes/ are for the tests of the metrics. The
repository's copy is tests/golden, made by

    .venv/bin/python scripts/golden_fixtures.py tests/golden

Exits with 77 and the reason where a package is missing.
"""

import json
import pathlib
import sys

try:
    from plain_models import cpu_torch  # noqa: F401 (before torch)
    import numpy as np
    import torch
    from safetensors.torch import save_file

    from plain_models import pictures
except ImportError as missing:
    print(f"golden_fixtures: {missing}", file=sys.stderr)
    sys.exit(77)

from golden_metrics import write_metrics
from golden_models import (dinov2, dit_partcrafter, dit_triposg, partcrafter_sampler, vae_decoder,
                           vae_encoder, vae_full)
from plain_models import flow, surface
from plain_models.dinov2 import DinoV2
from plain_models.layers import Attention, LayerNorm, RmsNorm, embed_points, embed_timestep
from plain_models.vae import farthest_points
from plain_models.weights import draw, named, surface_points


def bytes_of(array):
    return torch.from_numpy(np.ascontiguousarray(array))


def dino_preprocess(random):
    processor = {"do_resize": True, "size": {"shortest_edge": 24}, "resample": 3,
                 "do_center_crop": True, "crop_size": {"height": 20, "width": 20},
                 "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
                 "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
                 "do_convert_rgb": True}
    inputs, outputs = {}, {}
    for height, width in ((31, 43), (19, 16)):  # made smaller and larger
        name = f"rgb_{height}x{width}"
        picture = random.integers(0, 256, (height, width, 3), np.uint8)
        cropped = pictures.resized_and_cropped(picture, processor)
        inputs[name] = bytes_of(picture)
        outputs[f"{name}/resized_cropped_u8"] = bytes_of(cropped.transpose(2, 0, 1))
        outputs[f"{name}/pixel_values"] = bytes_of(pictures.pixel_values(cropped, processor))
    return named(inputs, outputs), {"processor": processor, "images": list(inputs)}


def prepare_rgba(random):
    inputs, outputs = {}, {}
    background, padding_ratio = [1.0, 1.0, 1.0], 0.1
    for height, width in ((20, 33), (31, 18)):
        name = f"rgba_{height}x{width}"
        picture = random.integers(0, 256, (height, width, 4), np.uint8)
        alpha = np.zeros((height, width), np.uint8)
        alpha[3:-4, 5:-2] = random.choice([0, 1, 90, 200, 255, 255, 255], (height - 7, width - 7))
        picture[..., 3] = alpha
        inputs[name] = bytes_of(picture)
        outputs[f"{name}/prepared_rgb"] = bytes_of(
            pictures.cropped_to_foreground(picture, background, padding_ratio))
    return named(inputs, outputs), {"images": list(inputs), "bg_color": background,
                                    "padding_ratio": padding_ratio}


def scheduler(random):
    plain = {"num_train_timesteps": 1000, "shift": 1.0, "use_dynamic_shifting": False}
    schedules = [{"init": plain, "steps": 6}, {"init": plain | {"shift": 3.0}, "steps": 5},
                 {"init": plain | {"use_dynamic_shifting": True}, "steps": 4, "mu": 0.8}]
    uniform = torch.from_numpy(random.random(16, np.float32))
    inputs = {name: draw(random, 2, 3, 4) for name in ("sample", "clean", "noise")}
    inputs |= {"loss_sigmas": (torch.arange(25) + 0.5) / 25, "density_normal": draw(random, 16),
               "density_uniform": uniform}
    outputs = {}
    for index, schedule in enumerate(schedules):
        init, steps, mu = schedule["init"], schedule["steps"], schedule.get("mu", 0.0)
        predictions = inputs[f"model_output_{index}"] = draw(random, steps, 2, 3, 4)
        outputs[f"{index}/train_timesteps"], outputs[f"{index}/train_sigmas"] = (
            flow.training_table(init))
        timesteps, levels = flow.sampling_table(steps, init, mu)
        outputs[f"{index}/timesteps"], outputs[f"{index}/sigmas"] = timesteps, levels
        latents = inputs["sample"]
        for i in range(steps):
            latents = flow.euler_step(latents, predictions[i], levels[i], levels[i + 1])
            outputs[f"{index}/prev_sample_{i}"] = latents
        outputs[f"{index}/scale_noise"] = flow.mix(
            inputs["clean"], inputs["noise"], timesteps[:2] / init["num_train_timesteps"])
    for scheme in ("none", "logit_normal", "sigma_sqrt", "cosmap"):
        outputs[f"loss_weight/{scheme}"] = flow.loss_weight(inputs["loss_sigmas"], scheme)
    draws = outputs["density/logit_normal_u"] = inputs["density_normal"].sigmoid()
    outputs["density/mode_u"] = flow.mode_density(uniform, 1.29)
    indices = outputs["train_indices"] = (draws * 1000).long()
    timesteps, levels = flow.training_table(plain)
    outputs["train_t"], outputs["train_sigma"] = timesteps[indices], levels[indices]
    clean, noise = inputs["clean"], inputs["noise"]
    outputs["train_noisy"] = flow.mix(clean, noise, levels[indices][:2])
    outputs["train_target_v"], outputs["train_target_neg_v"] = noise - clean, clean - noise
    return named(inputs, outputs), {"schedules": schedules, "logit_mean": 0.0, "logit_std": 1.0,
                                    "mode_scale": 1.29}


def fps(random):
    cases = [{"kind": "surface", "deg": [64], "ratio": 0.25},
             {"kind": "gauss", "deg": [40, 23, 58], "ratio": 0.25},
             {"kind": "gauss", "deg": [10, 30], "ratio": 0.3, "dim": 2}]
    inputs, outputs = {}, {}
    for index, case in enumerate(cases):
        points, total = [], 0
        chosen = []
        for count in case["deg"]:
            part = (surface_points(random, count, 1)[0, :, :3] if case["kind"] == "surface"
                    else draw(random, count, case.get("dim", 3)))
            wanted = int(np.ceil(np.float32(count) * np.float32(case["ratio"])))
            order = farthest_points(part, wanted)
            if not torch.equal(order, farthest_points(part.double(), wanted)):
                sys.exit("rounding changes the order of points; take another seed")
            chosen.append(order + total)
            points.append(part)
            total += count
        inputs[f"{index}/points"] = torch.cat(points)
        outputs[f"{index}/indices"] = torch.cat(chosen)
    return named(inputs, outputs), {"cases": cases}


def ops(random):
    inputs = {"points": draw(random, 2, 5, 3).clamp(-1, 1),
              "timesteps": torch.tensor([1000.0, 437.5, 20.0, 731.25, 3.0]),
              "small_var": draw(random, 6, 32) * torch.logspace(-3, 1, 6)[:, None],
              "norm_w": 1 + 0.1 * draw(random, 32), "norm_b": 0.02 * draw(random, 32),
              "gelu_x": torch.linspace(-6, 6, 61), "q": draw(random, 2, 5, 32),
              "k": draw(random, 2, 5, 32), "v": draw(random, 2, 5, 32),
              "pos_grid": draw(random, 1, 50, 8)}
    x = inputs["small_var"]
    outputs = {"freq_embed_pi0": embed_points(inputs["points"], 8),
               "freq_embed_pi1": embed_points(inputs["points"], 8, True),
               "timestep_embed": embed_timestep(inputs["timesteps"], 64),
               "gelu_erf": 0.5 * inputs["gelu_x"] * (1 + torch.erf(inputs["gelu_x"] / 2**0.5))}
    for key, norm in (("layer_norm_eps1e-05", LayerNorm(32, 1e-5)),
                      ("layer_norm_eps1e-06", LayerNorm(32, 1e-6)),
                      ("rms_norm_eps1e-06", RmsNorm(32, 1e-6))):
        norm.weight.data = inputs["norm_w"]
        if hasattr(norm, "bias"):
            norm.bias.data = inputs["norm_b"]
        outputs[key] = norm(x).detach()
    attention = Attention(32, 4)
    joined = {"self": ("q", "k", "v"), "cross": ("k", "v")}
    for kind, names in joined.items():
        heads = attention.split(torch.cat([inputs[n] for n in names], dim=-1), len(names))
        outputs |= {f"{kind}_{name}": part for name, part in zip(names, heads)}
    table = DinoV2({"position_grid": 7, "num_channels": 3, "patch_size": 1, "width": 8,
                    "num_layers": 0, "num_heads": 1})
    table.embeddings.position_embeddings.data = inputs["pos_grid"]
    targets = [[4, 4], [7, 7], [5, 9]]
    outputs |= {f"pos_{h}x{w}": table.positions(h, w).detach() for h, w in targets}
    return named(inputs, outputs), {"num_freqs": 8, "t_dim": 64, "heads": 4,
                                    "pos_targets": targets}


def extraction(random):
    del random
    shape = {"R": 0.45, "r": 0.2, "sharpness": 200.0, "bounds": 1.005}
    depths = {"dense_octree_depth": 4, "hierarchical_octree_depth": 5}
    values, queries = surface.hierarchical_values(
        lambda points: surface.torus(points, shape["R"], shape["r"], shape["sharpness"]),
        shape["bounds"], *depths.values())
    vertices, faces = surface.marching_cubes(values)
    step = 2 * shape["bounds"] / len(values)
    outputs = {"grid_logits": values, "faces": torch.from_numpy(faces),
               "vertices": torch.from_numpy(vertices * step - shape["bounds"]).float(),
               "queries_per_step": torch.tensor(queries)}
    return named({}, outputs), {"field": "torus"} | shape | depths


CASES = {make.__name__: make for make in (
    dino_preprocess, dinov2, dit_partcrafter, dit_triposg, extraction, fps, ops,
    partcrafter_sampler, prepare_rgba, scheduler, vae_decoder, vae_encoder, vae_full)}


SEED = 2  # of the first ones the one whose outputs hang least on rounding


def write(name, folder):
    tensors, description = CASES[name](np.random.default_rng(SEED))
    file = folder / f"{name}.safetensors"
    save_file({key: x.contiguous().clone() for key, x in tensors.items()}, file)
    file.chmod(0o644)
    contents = {"kind": name, "name": name, "seed": SEED,
                "reference": "scripts/golden_fixtures.py"} | description
    (folder / f"{name}.json").write_text(json.dumps(contents, indent=1) + "\n")


def main():
    names = sys.argv[2:] or [*CASES, "metrics"]
    if len(sys.argv) < 2 or not {*names} <= {*CASES, "metrics"}:
        sys.exit(f"{__doc__}\nnames: {', '.join(CASES)}, metrics")
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write(name, folder) if name in CASES else write_metrics(folder)


if __name__ == "__main__":
    main()
