"""Golden tensors of the models for golden_fixtures.py: VAE, DiTs, PartCrafter's sampler, DINOv2."""

import functools
import sys

import torch

from plain_models import flow
from plain_models.dinov2 import DinoV2
from plain_models.dit import Dit
from plain_models.layers import embed_timestep
from plain_models.vae import VecsetVae, farthest_points
from plain_models.weights import draw, in_double, named, randomise, surface_points, watched

TOLERANCE = 5e-5  # of moca verify, times max(1, largest reference)
LARGEST_NOISE_SHARE = 0.15  # of the tolerance, so that no other machine's rounding fails


def ran(model, inputs, compute):
    """Tensors and description of a model's file; its outputs are compute(model, inputs)."""
    outputs = {name: x.detach() for name, x in compute(model, inputs).items()}
    exact = {name: x.detach() for name, x in compute(*in_double(model, inputs)).items()}
    noise = {name: float((x - exact[name]).abs().max()) for name, x in outputs.items()}
    for name, x in outputs.items():
        allowed = LARGEST_NOISE_SHARE * TOLERANCE * max(1.0, float(x.abs().max()))
        if noise[name] > (allowed if x.is_floating_point() else 0):
            sys.exit(f"{name}: rounding moves it by {noise[name]}; take another seed")
    weights = {name: p.detach() for name, p in model.named_parameters()}
    return weights | named(inputs, outputs), {"noise": noise}


def vae_model(random, **sizes):
    """A VAE and its configuration as TripoSG's JSON says it."""
    config = {"latent_channels": 4, "num_heads": 2, "width_encoder": 8, "width_decoder": 8,
              "num_layers_encoder": 1, "num_layers_decoder": 1, "num_frequencies": 4,
              "frequencies_include_pi": False} | sizes
    described = {"in_channels": 3, "latent_channels": config["latent_channels"],
                 "num_attention_heads": config["num_heads"], "embedding_type": "frequency",
                 "embed_frequency": config["num_frequencies"],
                 "embed_include_pi": config["frequencies_include_pi"]}
    described |= {key: config[key] for key in ("width_encoder", "width_decoder",
                                               "num_layers_encoder", "num_layers_decoder")}
    return randomise(VecsetVae(config), functools.partial(draw, random)), {"model": described}


def moments_of(vae, surface_, sampled):
    def features(points):
        return torch.cat([vae.embed(points[..., :3]), points[..., 3:]], dim=-1)

    hidden = vae.encoder(features(sampled), features(surface_))
    moments = vae.quant(hidden)
    mean, log_variance = moments.chunk(2, dim=-1)
    return features(surface_), hidden, moments, mean, log_variance.clamp(-30.0, 20.0)


def vae_encoder(random):
    vae, description = vae_model(random, width_encoder=12)
    points = surface_points(random, 48)
    inputs = {"surface": points, "sampled": points[:, 5:17].contiguous(),
              "noise": draw(random, 2, 12, 4)}

    def compute(model, x):
        embedded, hidden, moments, mean, logvar = moments_of(model, x["surface"], x["sampled"])
        std = (0.5 * logvar).exp()
        kl = 0.5 * (mean**2 + std**2 - 1 - logvar).mean((1, 2))
        return {"embedded_kv": embedded, "hidden": hidden, "moments": moments, "mean": mean,
                "logvar": logvar, "std": std, "sample": mean + std * x["noise"],
                "kl_mean_over_tokens_channels": kl}

    tensors, noise = ran(vae, inputs, compute)
    return tensors, description | noise


def vae_decoder(random):
    vae, description = vae_model(random, width_decoder=12, num_layers_decoder=2)
    inputs = {"z": draw(random, 2, 12, 4), "queries": draw(random, 2, 21, 3).clamp(-1, 1)}

    def compute(model, x):
        queries = x["queries"].clone().requires_grad_()
        hidden = model.hidden(x["z"])
        field = model.query(hidden, queries)[..., None]
        return {"post_quant": model.post_quant(x["z"]), "kv_cache": hidden,
                "embedded_queries": model.embed(x["queries"]), "sample": field,
                "grad_sample_wrt_queries": torch.autograd.grad(field.sum(), queries)[0]}

    tensors, noise = ran(vae, inputs, compute)
    return tensors, description | noise


def vae_full(random):
    vae, description = vae_model(random)
    count = 10
    inputs = {"surface": surface_points(random, 70), "noise": draw(random, 2, count, 4),
              "preselect_indices": torch.from_numpy(random.choice(70, 4 * count, replace=False)),
              "queries": draw(random, 2, 15, 3).clamp(-1, 1)}

    def compute(model, x):
        chosen = x["surface"][:, x["preselect_indices"]]
        order = torch.stack([farthest_points(points[:, :3], count) for points in chosen])
        sampled = torch.stack([points[rows] for points, rows in zip(chosen, order)])
        mean, logvar = moments_of(model, x["surface"], sampled)[3:]
        latents = mean + (0.5 * logvar).exp() * x["noise"]

        def field(z):
            return model.query(model.hidden(z), x["queries"])[..., None]

        first = torch.arange(len(chosen))[:, None] * chosen.shape[1]
        return {"fps_flat_indices": (order + first).flatten(), "sampled": sampled, "mean": mean,
                "logvar": logvar, "z": latents, "sample": field(latents),
                "sample_from_mode": field(mean)}

    tensors, noise = ran(vae, inputs, compute)
    return tensors, description | {"num_tokens": count} | noise


def dit_model(random, parts, **sizes):
    """A DiT and its configuration as TripoSG's or, with `parts` part embeddings, PartCrafter's."""
    config = {"width": 8, "num_heads": 2, "num_layers": 5, "latent_channels": 4,
              "image_width": 12, "global_attention": "dense" if parts else "none",
              "global_blocks": [], "codebook_size": parts} | sizes
    described = {"num_attention_heads": config["num_heads"], "width": config["width"],
                 "in_channels": config["latent_channels"], "num_layers": config["num_layers"],
                 "cross_attention_dim": config["image_width"]}
    if parts:
        described |= {"max_num_parts": parts, "enable_part_embedding": True,
                      "enable_local_cross_attn": True, "enable_global_cross_attn": True,
                      "global_attn_block_ids": list(range(0, config["num_layers"], 2))}
    return randomise(Dit(config), functools.partial(draw, random)), {"model": described}


def run_assets(dit, counts, latents, timesteps, images, ids):
    """One asset after the other of rows [n, ...]: the sample and every block's tokens."""
    samples, blocks, first = [], [[] for _ in dit.blocks], 0
    hooks = [watched(block, seen) for block, seen in zip(dit.blocks, blocks)]
    for count in counts:
        rows = slice(first, first + count)
        samples.append(dit.of_asset(latents[rows], timesteps[first] / 1000, images[first],
                                    ids[rows]))
        first += count
    for hook in hooks:
        hook.remove()
    return torch.cat(samples), [torch.cat(seen) for seen in blocks]


def dit_triposg(random):
    dit, description = dit_model(random, 0)
    inputs = {"hidden_states": draw(random, 2, 9, 4), "timestep": torch.tensor([437.5, 906.25]),
              "encoder_hidden_states": draw(random, 2, 5, 12)}

    def compute(model, x):
        sinusoid = embed_timestep(x["timestep"], 8)
        hidden = torch.nn.functional.gelu(model.time_proj.linear_1(sinusoid))
        sample, blocks = run_assets(model, [1, 1], x["hidden_states"], x["timestep"],
                                    x["encoder_hidden_states"], torch.zeros(2, dtype=torch.long))
        return ({"time_sinusoid": sinusoid, "temb": model.time_proj.linear_2(hidden),
                 "sample": sample} | {f"block{i}_out": x for i, x in enumerate(blocks)})

    tensors, noise = ran(dit, inputs, compute)
    return tensors, description | noise


def without_image(dit, in_global_blocks):
    """Leaves the picture out of the blocks of one sort; returns what puts it back."""
    hooks = [block.register_forward_pre_hook(lambda _, inputs: (*inputs[:2], 0 * inputs[2]))
             for block in dit.blocks if block.is_global == in_global_blocks]
    return lambda: [hook.remove() for hook in hooks]


def dit_partcrafter(random):
    dit, description = dit_model(random, 8, num_layers=3)
    counts = [1, 3]
    pictures_ = draw(random, 2, 5, 12)
    inputs = {"num_parts": torch.tensor(counts), "hidden_states": draw(random, 4, 7, 4),
              "timestep": torch.tensor([812.5, 62.5, 62.5, 62.5]),
              "encoder_hidden_states": pictures_[[0, 1, 1, 1]],
              "infer_hidden_states": draw(random, 4, 7, 4),
              "infer_timestep": torch.full((4,), 687.5),
              "infer_encoder_hidden_states": pictures_[[0, 0, 1, 1]]
              * torch.tensor([0.0, 0, 1, 1])[:, None, None]}

    def compute(model, x):
        def train():
            return run_assets(model, counts, x["hidden_states"], x["timestep"],
                              x["encoder_hidden_states"], torch.tensor([0, 0, 1, 2]))

        sample, blocks = train()
        outputs = {"train_sample": sample}
        outputs |= {f"train_block{i}_out": tokens for i, tokens in enumerate(blocks)}
        for option, in_global_blocks in (("local", False), ("global", True)):
            put_back = without_image(model, in_global_blocks)
            outputs[f"train_sample_enable_{option}_cross_attn_false"] = train()[0]
            put_back()
        # Ids go through the whole batch, the half without the picture first.
        outputs["infer_sample"] = run_assets(
            model, [2, 2], x["infer_hidden_states"], x["infer_timestep"],
            x["infer_encoder_hidden_states"], torch.arange(4))[0]
        return outputs

    tensors, noise = ran(dit, inputs, compute)
    return tensors, description | {"infer_num_parts": 2} | noise


def partcrafter_sampler(random):
    dit, description = dit_model(random, 6, num_layers=3)
    init = {"num_train_timesteps": 1000, "shift": 1.0, "use_dynamic_shifting": False}
    picture = draw(random, 5, 12)
    inputs = {"latents": draw(random, 3, 6, 4), "image_embeds": picture.repeat(3, 1, 1)}
    steps, scale = 4, 5.0

    def compute(model, x):
        predictions, states = flow.sample_parts(model, x["latents"], x["image_embeds"][0], steps,
                                                init, scale)
        timesteps, levels = flow.sampling_table(steps, init)
        return ({f"pred_{i}": y for i, y in enumerate(predictions)}
                | {f"latents_{i}": y for i, y in enumerate(states)}
                | {"timesteps": timesteps, "sigmas": levels})

    tensors, noise = ran(dit, inputs, compute)
    return tensors, description | {"scheduler": init, "num_inference_steps": steps,
                                   "guidance_scale": scale, "num_parts": 3} | noise


def dinov2(random):
    config = {"image_size": 20, "num_channels": 3, "patch_size": 4, "width": 12, "num_layers": 2,
              "num_heads": 2, "position_grid": 5}
    model = randomise(DinoV2(config), functools.partial(draw, random))
    sizes = [(2, 12, 12), (1, 20, 20), (1, 16, 28)]  # of these only the second fits the table
    inputs = {f"image_{h}x{w}": draw(random, count, 3, h, w) for count, h, w in sizes}

    def compute(encoder, x):
        outputs = {}
        for name, images in x.items():
            seen = []
            hooks = [watched(layer, seen) for layer in encoder.encoder.layer]
            hooks.append(encoder.encoder.layer[0].register_forward_pre_hook(
                lambda _, given: seen.append(given[0])))
            outputs[f"{name}/last_hidden_state"] = encoder(images)
            for hook in hooks:
                hook.remove()
            outputs |= {f"{name}/hidden_states_{i}": tokens for i, tokens in enumerate(seen)}
            outputs[f"{name}/pos_embed"] = encoder.positions(images.shape[2] // 4,
                                                             images.shape[3] // 4)
        return outputs

    tensors, noise = ran(model, inputs, compute)
    described = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2,
                 "mlp_ratio": 4, "hidden_act": "gelu", "layer_norm_eps": 1e-6, "image_size": 20,
                 "patch_size": 4, "num_channels": 3, "qkv_bias": True}
    return tensors, {"model": described, "images": list(inputs)} | noise
