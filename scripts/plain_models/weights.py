"""Random weights and inputs that are the same on every machine: numpy's generator, not torch's."""

import copy
import math

import numpy as np
import torch


def draw(random, *shape):
    return torch.from_numpy(random.standard_normal(shape).astype(np.float32))


def randomise(model, draw_shape):
    """Every constant is perturbed, and queries and keys are doubled so that attention is uneven.

    draw_shape(*sizes) gives normal numbers of that shape."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = draw_shape(*parameter.shape)
            if name.endswith("bias") or name.endswith("mask_token"):
                parameter.copy_(0.02 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(1 + 0.1 * noise)
            elif "embedding" in name and "projection" not in name or "_token" in name:
                parameter.copy_(0.5 * noise)
            elif name.endswith("queries") or name.endswith("_query"):
                parameter.copy_(noise)
            else:
                sharp = any(word in name for word in ("to_q", "to_k", ".query.", ".key."))
                parameter.copy_((2 if sharp else 1) / math.sqrt(parameter[0].numel()) * noise)
    return model.requires_grad_(False)


def in_double(model, inputs):
    return copy.deepcopy(model).double(), {
        name: x.double() if x.is_floating_point() else x for name, x in inputs.items()}


def watched(module, seen):
    """Puts the module's output into the list `seen` at every call."""
    return module.register_forward_hook(lambda _, __, output: seen.append(output))


def named(inputs, outputs):
    """Under the names of a golden file."""
    return ({f"inputs/{name}": x for name, x in inputs.items()}
            | {f"outputs/{name}": x for name, x in outputs.items()})


def surface_points(random, count, batch=2):
    """Points of a bumpy ball with unit vectors as normals, [batch, count, 6]."""
    normals = torch.nn.functional.normalize(draw(random, batch, count, 3), dim=-1)
    return torch.cat([normals * (0.7 + 0.1 * draw(random, batch, count, 1)), normals], dim=-1)
