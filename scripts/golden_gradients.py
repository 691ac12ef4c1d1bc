"""Writes golden gradients: small random models, what plain PyTorch computes of them, and by how much
rounding alone moves it.

usage: scripts/golden_gradients.py FOLDER [NAME ...]      no name: all of them

Every NAME.safetensors holds weights/, inputs/, outputs/, projections/ (the loss is the sum of the
outputs times these), gradients/ of every parameter, input_gradients/ and stepped/, the parameters
after ten AdamW steps on the same inputs. All float32 on one thread. NAME.json holds the
configuration, the optimizer's settings, which parameters take no part, and per tensor the noise:
the largest difference to the same computation in float64.

Exits with 77 and the reason where torch, numpy or safetensors cannot be imported.
"""

import copy
import dataclasses
import functools
import json
import math
import pathlib
import sys
from collections.abc import Callable

try:
    from plain_models import cpu_torch  # noqa: F401 (before torch)
    import sympy  # noqa: F401 (torch.optim imports it when first used)
    import torch
    from safetensors.torch import save_file
except ImportError as missing:
    print(f"golden_gradients: {missing}", file=sys.stderr)
    sys.exit(77)

from plain_models.dinov2 import DinoV2
from plain_models.dit import Dit
from plain_models.vae import VecsetVae, spread_points
from plain_models.weights import randomise

STEPS = 10
ADAMW = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}
# The steps' loss is scaled until the largest gradient is about this. Adam divides by |gradient| +
# eps, so an element whose gradient is rounding noise moves by noise / eps: at this size below the
# tolerance, and almost every true gradient is still far above eps.
LARGEST_STEP_GRADIENT = 2.0**-14
TOLERANCE = 5e-5  # times max(1, largest reference)
# A case is drawn anew with the next seed until rounding can neither change who is selected nor use
# up more than this share of the tolerance.
SMALLEST_ROUTING_GAP = 2e-5
LARGEST_NOISE_SHARE = 0.2
FIRST_SEEDS = {"vae": 5, "dit_triposg": 2, "dit_moca": 3, "dit_moca_full": 8}  # saves the search

VAE = {"num_tokens": 12, "latent_channels": 4, "num_heads": 4, "width_encoder": 16,
       "width_decoder": 32, "num_layers_encoder": 2, "num_layers_decoder": 2, "num_frequencies": 4,
       "frequencies_include_pi": False}
ROUTER = {"num_selected": 2, "activation": "sigmoid", "gate_target": "key",
          "gate_compressed": True, "stochastic": True, "per_head": True}
DIT = {"width": 32, "num_heads": 4, "num_layers": 5, "global_attention": "moc", "global_blocks": [],
       "num_compressed_tokens": 3, "compressed_tokens": "keys_only", "attend_compressed": True,
       "codebook_size": 12, "router": ROUTER}
DINO = {"image_size": 16, "num_channels": 3, "patch_size": 4, "width": 32, "num_layers": 2,
        "num_heads": 4, "position_grid": 4}


@dataclasses.dataclass
class Case:
    kind: str
    config: dict  # the fields of the C++ struct
    further: dict  # what else building or running the model takes
    model: torch.nn.Module
    inputs: dict
    compute: Callable  # (model, inputs) to named outputs


def vae_case(generator):
    model = VecsetVae(VAE)
    points = draw(generator, 2, 60, 3).clamp(-1, 1)
    inputs = {
        "surface_points": points,
        "surface_normals": draw(generator, 2, 60, 3),
        "noise": draw(generator, 2, VAE["num_tokens"], VAE["latent_channels"]),
        "query_points": draw(generator, 2, 33, 3).clamp(-1, 1),
    }
    # The C++ encoder draws the same points from a generator of this seed.
    seed = 123
    chosen = spread_points(points, VAE["num_tokens"], torch.Generator().manual_seed(seed))

    def compute(vae, x):
        mean, log_variance = vae.encode(x["surface_points"], x["surface_normals"], chosen)
        hidden = vae.hidden(mean + (0.5 * log_variance).exp() * x["noise"])
        return {"mean": mean, "log_variance": log_variance, "hidden": hidden,
                "field": vae.query(hidden, x["query_points"])}

    return Case("vae", VAE, {"encode_seed": seed}, model, inputs, compute)


def dit_case(generator, num_components, **changes):
    """`num_components`: how many each asset has; those missing up to the most are masked."""
    config = copy.deepcopy(DIT)
    config["router"].update(changes.pop("router", {}))
    config.update(changes)
    sizes = {"latent_channels": 4, "image_width": 24}
    B, N = len(num_components), max(num_components)
    mask = torch.arange(N) < torch.tensor(num_components)[:, None]
    ids = torch.stack([torch.randperm(max(config["codebook_size"], N), generator=generator)[:N]
                       for _ in range(B)])
    inputs = {
        "noisy_latents": draw(generator, B, N, 7, sizes["latent_channels"]),
        "noise_level": torch.tensor([0.25, 0.6875, 0.125])[:B],  # exact times 1000
        "image_tokens": draw(generator, B, 5, sizes["image_width"]),
        "component_ids": ids,
        "component_mask": mask,
    }

    def compute(dit, x):
        return {"velocity": dit(x["noisy_latents"], x["noise_level"], x["image_tokens"],
                                x["component_ids"], x["component_mask"])}

    return Case("dit", config, sizes, Dit(config | sizes), inputs, compute)


def dinov2_case(generator, image_shape, **changes):
    config = DINO | changes
    inputs = {"images": draw(generator, *image_shape)}
    return Case("dinov2", config, {}, DinoV2(config), inputs,
                lambda model, x: {"image_tokens": model(x["images"])})


CASES = {
    "vae": vae_case,
    "dit_triposg": lambda g: dit_case(g, [1, 1, 1], global_attention="none", codebook_size=0),
    "dit_partcrafter": lambda g: dit_case(g, [3, 2], global_attention="dense"),
    "dit_moca": lambda g: dit_case(g, [5, 2, 4]),
    "dit_moca_full": lambda g: dit_case(g, [5, 1], compressed_tokens="full", global_blocks=[1, 3, 4]),
    "dit_moca_value_softmax": lambda g: dit_case(
        g, [4, 4], router={"gate_target": "value", "activation": "softmax", "per_head": False}),
    "dit_moca_compressed_alone": lambda g: dit_case(
        g, [4, 3], router={"num_selected": 0, "gate_compressed": False}),
    # A table of another size than the picture's patches, and one of the same.
    "dinov2_rgb": lambda g: dinov2_case(g, (2, 3, 12, 20)),
    "dinov2_seven_channels": lambda g: dinov2_case(g, (2, 7, 16, 16), num_channels=7),
}


def draw(generator, *shape):
    return torch.randn(*shape, generator=generator)


def loss_of(case, model, inputs, projections):
    outputs = case.compute(model, inputs)
    return sum((outputs[name] * projection).sum() for name, projection in projections.items())


def continuous(inputs):
    return {name: x for name, x in inputs.items() if x.is_floating_point() and name != "noise_level"}


def gradients_of(case, model, inputs, projections):
    """Gradients by parameter and by input; parameters that take no part are left out."""
    inputs = {name: x.clone().requires_grad_(name in continuous(inputs))
              for name, x in inputs.items()}
    parameters = dict(model.named_parameters())
    leaves = parameters | continuous(inputs)
    found = torch.autograd.grad(loss_of(case, model, inputs, projections), list(leaves.values()),
                                allow_unused=True)
    found = {name: g for name, g in zip(leaves, found) if g is not None}
    return ({name: g for name, g in found.items() if name in parameters},
            {name: g for name, g in found.items() if name not in parameters})


def take_steps(case, model, inputs, projections, scale):
    model = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), **ADAMW)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (scale * loss_of(case, model, inputs, projections)).backward()
        optimizer.step()
    return model


def everything(case, model, inputs, projections, step_scale=None):
    """The file's tensors but weights and inputs, the scale of the steps' loss, the routing gap."""
    tensors = {f"outputs/{name}": x.detach() for name, x in case.compute(model, inputs).items()}
    gradients, input_gradients = gradients_of(case, model, inputs, projections)
    if step_scale is None:
        largest = max(float(g.abs().max()) for g in gradients.values())
        step_scale = 2.0 ** round(math.log2(LARGEST_STEP_GRADIENT / largest))
    stepped = take_steps(case, model, inputs, projections, step_scale)
    tensors |= {f"gradients/{name}": g for name, g in gradients.items()}
    tensors |= {f"input_gradients/{name}": g for name, g in input_gradients.items()}
    tensors |= {f"stepped/{name}": p.detach() for name, p in stepped.named_parameters()}
    return tensors, step_scale, routing_gap(model, stepped)


def share_of_tolerance(noise, reference):
    return noise / (TOLERANCE * max(1.0, float(reference.abs().max())))


def routing_gap(*models):
    gaps = [module.smallest_gap for model in models for module in model.modules()
            if hasattr(module, "smallest_gap")]
    return min(gaps, default=math.inf)


def write(name, folder, seed):
    """Whether the case could be written with this seed."""
    generator = torch.Generator().manual_seed(seed)
    case = CASES[name](generator)
    randomise(case.model, functools.partial(draw, generator))
    case.model.requires_grad_()
    outputs = case.compute(case.model, case.inputs)
    if routing_gap(case.model) < SMALLEST_ROUTING_GAP:
        return False
    projections = {key: draw(generator, *x.shape) for key, x in outputs.items()}
    tensors, step_scale, gap = everything(case, case.model, case.inputs, projections)

    def double(x):
        return x.double() if x.is_floating_point() else x

    exact, _, exact_gap = everything(
        case, copy.deepcopy(case.model).double(), {k: double(x) for k, x in case.inputs.items()},
        {k: double(x) for k, x in projections.items()}, step_scale)
    noise = {key: float((x - exact[key]).abs().max()) for key, x in tensors.items()}
    worst = max(noise, key=lambda key: share_of_tolerance(noise[key], tensors[key]))
    share = share_of_tolerance(noise[worst], tensors[worst])
    if min(gap, exact_gap) < SMALLEST_ROUTING_GAP or share > LARGEST_NOISE_SHARE:
        return False
    parameters = dict(case.model.named_parameters())
    contents = {
        "kind": case.kind, "config": case.config, "further": case.further, "seed": seed,
        "steps": STEPS, "adamw": ADAMW, "step_loss_scale": step_scale,
        "without_gradient": [k for k in parameters if f"gradients/{k}" not in tensors],
        "smallest_routing_gap": gap if math.isfinite(gap) else None,
        "worst_noise": {"key": worst, "share_of_tolerance": share},
        "noise": noise,
    }
    tensors |= {f"weights/{key}": p.detach() for key, p in parameters.items()}
    tensors |= {f"inputs/{key}": x for key, x in case.inputs.items()}
    tensors |= {f"projections/{key}": x for key, x in projections.items()}
    save_file({key: x.contiguous() for key, x in tensors.items()}, folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(json.dumps(contents, indent=1) + "\n")
    print(f"{name}: {len(parameters)} parameters, seed {seed}, noise at most {share:.3f} of the "
          f"tolerance ({worst})")
    return True


def main():
    names = sys.argv[2:] or list(CASES)
    unknown = [name for name in names if name not in CASES]
    if len(sys.argv) < 2 or unknown:
        sys.exit(f"{__doc__}\nnames: {', '.join(CASES)}")
    torch.set_num_threads(1)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        seed = FIRST_SEEDS.get(name, 1)
        while not write(name, folder, seed):
            seed += 1


if __name__ == "__main__":
    main()
