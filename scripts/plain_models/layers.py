"""Pieces that the models share, with the keys of diffusers' modules."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class LayerNorm(nn.Module):
    def __init__(self, width, epsilon=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.epsilon = epsilon

    def forward(self, x):
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)


class RmsNorm(nn.Module):
    """x / sqrt(mean x^2 + epsilon), times a weight."""

    def __init__(self, width, epsilon=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.epsilon)


class GeluProjection(nn.Module):
    def __init__(self, width_in, width_out):
        super().__init__()
        self.proj = nn.Linear(width_in, width_out)

    def forward(self, x):
        return F.gelu(self.proj(x))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList(
            [GeluProjection(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Attention(nn.Module):
    """Multi-head attention whose stored projections were split heads first.

    The outputs of [to_q, to_k, to_v] (in cross-attention of [to_k, to_v]) are concatenated and read
    as [heads, 3, head width] ([heads, 2, head width]).
    """

    def __init__(self, width, num_heads, context_width=None, normed_heads=False,
                 normed_context=False):
        super().__init__()
        context_width = context_width or width
        self.num_heads = num_heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        self.norm_q = RmsNorm(width // num_heads) if normed_heads else nn.Identity()
        self.norm_k = RmsNorm(width // num_heads) if normed_heads else nn.Identity()
        self.norm_cross = LayerNorm(context_width) if normed_context else nn.Identity()

    def split(self, projected, parts):
        """[B, S, parts * D] to `parts` tensors [B, H, S, K]."""
        batch, length, _ = projected.shape
        heads = projected.view(batch, length, self.num_heads, -1).transpose(1, 2)
        return heads.chunk(parts, dim=-1)

    def query_key_value(self, x):
        """Self-attention's projections of x [B, S, D]."""
        projected = torch.cat([self.to_q(x), self.to_k(x), self.to_v(x)], dim=-1)
        query, key, value = self.split(projected, 3)
        return self.norm_q(query), self.norm_k(key), value

    def query(self, x):
        """Cross-attention's queries."""
        return self.norm_q(self.split(self.to_q(x), 1)[0])

    def key_value(self, context):
        """Cross-attention's keys and values."""
        context = self.norm_cross(context)
        key, value = self.split(torch.cat([self.to_k(context), self.to_v(context)], dim=-1), 2)
        return self.norm_k(key), value

    def output(self, heads):
        """[B, H, S, K] to [B, S, D]."""
        return self.to_out[0](heads.transpose(1, 2).flatten(2))

    def attend_self(self, x):
        return self.output(F.scaled_dot_product_attention(*self.query_key_value(x)))

    def attend_context(self, x, context):
        return self.output(F.scaled_dot_product_attention(self.query(x), *self.key_value(context)))


def embed_points(points, num_frequencies, include_pi=False):
    """[x, sin, cos], the two blocks coordinate-major: [..., 3] to [..., 3 (2 F + 1)]."""
    exponents = torch.arange(num_frequencies, dtype=points.dtype, device=points.device)
    frequencies = 2.0**exponents * (math.pi if include_pi else 1.0)
    angles = (points[..., None] * frequencies).flatten(-2)
    return torch.cat([points, angles.sin(), angles.cos()], dim=-1)


def embed_timestep(timestep, width):
    """Sines, then cosines, of a timestep in [0, 1000]: [B] to [B, width]."""
    half = width // 2
    exponents = torch.arange(half, dtype=timestep.dtype) * -math.log(10000.0) / half
    angles = timestep[:, None] * exponents.exp()
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
