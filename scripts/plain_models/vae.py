"""The vecset VAE of TripoSG: surface points to latent tokens, latent tokens to a field."""

import torch
from torch import nn

from plain_models.layers import Attention, FeedForward, LayerNorm, embed_points


class SelfBlock(nn.Module):
    def __init__(self, width, num_heads):
        super().__init__()
        self.norm1 = LayerNorm(width)
        self.attn1 = Attention(width, num_heads)
        self.norm3 = LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x):
        x = x + self.attn1.attend_self(self.norm1(x))
        return x + self.ff(self.norm3(x))


class CrossBlock(nn.Module):
    def __init__(self, width, num_heads):
        super().__init__()
        self.norm2 = LayerNorm(width)
        self.attn2 = Attention(width, num_heads, normed_context=True)
        self.norm3 = LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x, context):
        x = x + self.attn2.attend_context(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, heads = config["width_encoder"], config["num_heads"]
        self.proj_in = nn.Linear(3 * (2 * config["num_frequencies"] + 1) + 3, width)
        self.blocks = nn.ModuleList(
            [CrossBlock(width, heads)]
            + [SelfBlock(width, heads) for _ in range(config["num_layers_encoder"])])
        self.norm_out = LayerNorm(width)

    def forward(self, token_features, features):
        x = self.blocks[0](self.proj_in(token_features), self.proj_in(features))
        for block in self.blocks[1:]:
            x = block(x)
        return self.norm_out(x)


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, heads = config["width_decoder"], config["num_heads"]
        self.blocks = nn.ModuleList(
            [SelfBlock(width, heads) for _ in range(config["num_layers_decoder"])]
            + [CrossBlock(width, heads)])
        self.proj_query = nn.Linear(3 * (2 * config["num_frequencies"] + 1), width)
        self.norm_out = LayerNorm(width)
        self.proj_out = nn.Linear(width, 1)


class VecsetVae(nn.Module):
    """`config` holds the fields of the C++ VaeConfig."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quant = nn.Linear(config["width_encoder"], 2 * config["latent_channels"])
        self.post_quant = nn.Linear(config["latent_channels"], config["width_decoder"])
        self.decoder = Decoder(config)

    def embed(self, points):
        return embed_points(points, self.config["num_frequencies"],
                            self.config["frequencies_include_pi"])

    def encode(self, points, normals, token_points):
        """Mean and log-variance [B, L, C]; token_points [B, L]: which points are the queries."""
        features = torch.cat([self.embed(points), normals], dim=-1)
        rows = torch.arange(len(points))[:, None]
        moments = self.quant(self.encoder(features[rows, token_points], features))
        mean, log_variance = moments.chunk(2, dim=-1)
        return mean, log_variance.clamp(-30.0, 20.0)

    def hidden(self, latents):
        """The decoder's tokens, made once per component."""
        x = self.post_quant(latents)
        for block in self.decoder.blocks[:-1]:
            x = block(x)
        return x

    def query(self, hidden, points):
        """The field at points [B, Q, 3], positive inside: [B, Q]."""
        # Points are embedded as they are; only what follows runs in the weights' type.
        x = self.decoder.proj_query(self.embed(points).to(hidden.dtype))
        x = self.decoder.blocks[-1](x, hidden)
        return -self.decoder.proj_out(self.decoder.norm_out(x)).squeeze(-1)

    def decode(self, latents, points, chunk=50000):
        """As the public pipelines decode: keys and values anew for every chunk of points."""
        hidden = self.hidden(latents)
        return torch.cat([self.query(hidden, part) for part in points.split(chunk, dim=1)], dim=1)


def farthest_points(points, count):
    """Indices of `count` points of [P, d]: the first, then always the one farthest from those chosen."""
    distance = torch.full((len(points),), float("inf"), dtype=points.dtype)
    chosen = [0]
    while len(chosen) < count:
        distance = torch.minimum(distance, (points - points[chosen[-1]]).square().sum(-1))
        chosen.append(int(distance.argmax()))
    return torch.tensor(chosen)


def spread_points(points, num_tokens, generator):
    """Which points become tokens: 4 L random ones, thinned to L by farthest point sampling."""
    drawn = torch.randperm(points.shape[1], generator=generator)[:4 * num_tokens]
    return torch.stack([drawn[farthest_points(candidates, num_tokens)]
                        for candidates in points[:, drawn]])
