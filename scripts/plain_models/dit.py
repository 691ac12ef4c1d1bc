"""The diffusion transformers: TripoSG's for one component, PartCrafter's and MoCA's for several.

`config` holds the fields of the C++ DitConfig (the router's under "router"), latent_channels and
image_width. `global_attention` is "none" (TripoSG), "dense" (PartCrafter) or "moc" (MoCA).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from plain_models.layers import Attention, FeedForward, LayerNorm, embed_timestep


def is_global(config, index):
    if config["global_attention"] == "none":
        return False
    return index in config["global_blocks"] if config["global_blocks"] else index % 2 == 0


class Packing(nn.Module):
    """Eq. 3: learnable queries compress a component's tokens to M tokens and one anchor."""

    def __init__(self, config):
        super().__init__()
        width = config["width"]
        self.compression_queries = nn.Parameter(torch.randn(config["num_compressed_tokens"], width))
        self.anchor_query = nn.Parameter(torch.randn(1, width))
        self.attention = Attention(width, config["num_heads"], normed_heads=True)

    def forward(self, vecset):
        queries = torch.cat([self.compression_queries, self.anchor_query])
        queries = queries.expand(len(vecset), -1, -1)
        return self.attention.attend_context(queries, vecset)


class Router(nn.Module):
    """Eq. 4, 5: scores every pair of components per head and names the k attended in full."""

    def __init__(self, config):
        super().__init__()
        width, self.num_heads = config["width"], config["num_heads"]
        self.options = config["router"]
        width_out = width if self.options["per_head"] else width // self.num_heads
        self.to_q = nn.Linear(width, width_out, bias=False)
        self.to_k = nn.Linear(width, width_out, bias=False)
        self.smallest_gap = math.inf  # between the last score selected and the first that was not

    def forward(self, anchors):
        """Anchors [N, D] to importance [H, N, N] and selection [H, N, N] (bool, self excluded)."""
        count = len(anchors)
        routed_heads = self.num_heads if self.options["per_head"] else 1
        query = self.to_q(anchors).unflatten(-1, (routed_heads, -1)).transpose(0, 1)
        key = self.to_k(anchors).unflatten(-1, (routed_heads, -1)).transpose(0, 1)
        logits = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
        own = torch.eye(count, dtype=torch.bool)
        if self.options["activation"] == "sigmoid":
            importance = torch.sigmoid(logits)
        else:
            importance = logits.masked_fill(own, -math.inf if count > 1 else 0.0).softmax(-1)
        others = importance.detach().masked_fill(own, -math.inf)
        ranked = others.sort(-1, descending=True)
        num_selected = min(self.options["num_selected"], count - 1)
        if 0 < num_selected < count - 1:
            gaps = ranked.values[..., num_selected - 1] - ranked.values[..., num_selected]
            self.smallest_gap = min(self.smallest_gap, float(gaps.min()))
        selected = torch.zeros_like(others, dtype=torch.bool)
        selected.scatter_(-1, ranked.indices[..., :num_selected], True)
        shape = (self.num_heads, count, count)
        return importance.expand(shape), selected.expand(shape)


class Block(nn.Module):
    def __init__(self, config, index):
        super().__init__()
        width, heads = config["width"], config["num_heads"]
        self.config = config
        self.is_global = is_global(config, index)
        self.has_packing = config["global_attention"] == "moc"
        kind = "global" if self.is_global else "local"
        self.sees_picture = config.get(f"{kind}_image_attention", True)
        self.norm1 = LayerNorm(width)
        self.attn1 = Attention(width, heads, normed_heads=True)
        self.norm2 = LayerNorm(width)
        self.attn2 = Attention(width, heads, config["image_width"], normed_heads=True)
        self.norm3 = LayerNorm(width)
        self.ff = FeedForward(width)
        if self.is_global and self.has_packing:
            self.router = Router(config)
        self.takes_skip = index > config["num_layers"] // 2
        if self.takes_skip:
            self.skip_linear = nn.Linear(2 * width, width)
            self.skip_norm = LayerNorm(width)

    def local_attention(self, x):
        """Inside each component of x [N, S, D]; added tokens are seen by added tokens only."""
        if not self.has_packing:
            return self.attn1.attend_self(x)
        length, added = x.shape[1], self.config["num_compressed_tokens"] + 1
        visible = torch.ones(length, length, dtype=torch.bool)
        visible[:length - added, length - added:] = False  # vecset tokens see themselves only
        visible[:length - 1, -1] = False  # none but the anchor sees the anchor
        query, key, value = self.attn1.query_key_value(x)
        return self.attn1.output(F.scaled_dot_product_attention(query, key, value, visible))

    def dense_attention(self, x):
        """Every token of x [N, S, D] to every token of every component."""
        count, length, width = x.shape
        return self.attn1.attend_self(x.reshape(1, count * length, width)).view_as(x)

    def moc_attention(self, x):
        """Eq. 6-8 for the vecset tokens of x [N, S, D], one component and head at a time."""
        compressed = self.config["num_compressed_tokens"]
        vecset, packed, anchors = x.split([x.shape[1] - compressed - 1, compressed, 1], dim=1)
        query, key, value = self.attn1.query_key_value(vecset)
        _, packed_key, packed_value = self.attn1.query_key_value(packed)
        importance, selected = self.router(anchors.squeeze(1))
        gate_target = self.config["router"]["gate_target"]
        rows = []
        for i in range(len(x)):
            for h in range(self.attn1.num_heads):
                keys, values = [key[i, h]], [value[i, h]]
                for j in range(len(x)):
                    if j == i or not (selected[h, i, j] or self.config["attend_compressed"]):
                        continue
                    full = selected[h, i, j]
                    gated = full or self.config["router"]["gate_compressed"]
                    gate = importance[h, i, j] if gated else 1.0
                    k = key[j, h] if full else packed_key[j, h]
                    v = value[j, h] if full else packed_value[j, h]
                    keys.append(k * gate if gate_target == "key" else k)
                    values.append(v * gate if gate_target == "value" else v)
                logits = query[i, h] @ torch.cat(keys).T / math.sqrt(query.shape[-1])
                rows.append(logits.softmax(-1) @ torch.cat(values))
        return self.attn1.output(torch.stack(rows).view_as(query))

    def self_attention(self, x):
        if not self.is_global:
            return self.local_attention(x)
        if not self.has_packing:
            return self.dense_attention(x)
        attended = self.moc_attention(x)
        if self.config["compressed_tokens"] == "full":  # the added tokens attend locally
            local = self.local_attention(x)[:, attended.shape[1]:]
            attended = torch.cat([attended, local], dim=1)
        return attended

    def forward(self, x, skip, image):
        """x [N, S, D] of one asset; image [N, T, D_image] or None for the null condition."""
        if self.takes_skip:
            x = self.skip_norm(self.skip_linear(torch.cat([skip, x], dim=-1)))
        attended = self.self_attention(self.norm1(x))
        updated, kept = x[:, :attended.shape[1]], x[:, attended.shape[1]:]
        updated = updated + attended
        context = image if image is not None and self.sees_picture else updated.new_zeros(
            len(x), 1, self.config["image_width"])
        updated = updated + self.attn2.attend_context(self.norm2(updated), context)
        updated = updated + self.ff(self.norm3(updated))
        return torch.cat([updated, kept], dim=1)


class Dit(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["width"]
        self.config = config
        self.time_proj = nn.Module()
        self.time_proj.linear_1 = nn.Linear(width, 4 * width)
        self.time_proj.linear_2 = nn.Linear(4 * width, width)
        self.proj_in = nn.Linear(config["latent_channels"], width)
        if config["codebook_size"]:
            embedding = nn.Embedding(config["codebook_size"], width)
            setattr(self, self.embedding_name, embedding)
        if config["global_attention"] == "moc":
            self.packing = Packing(config)
        self.blocks = nn.ModuleList([Block(config, i) for i in range(config["num_layers"])])
        self.norm_out = LayerNorm(width)
        self.proj_out = nn.Linear(width, config["latent_channels"])

    @property
    def embedding_name(self):
        dense = self.config["global_attention"] == "dense"
        return "part_embedding" if dense else "component_embedding"

    def of_asset(self, latents, noise_level, image, ids):
        """The velocity [N, L, C] of one asset's components; image [T, D_image] or None."""
        count = len(latents)
        vecset = self.proj_in(latents)
        timestep = embed_timestep(noise_level.view(1) * 1000.0, self.config["width"])
        hidden = F.gelu(self.time_proj.linear_1(timestep.to(vecset.dtype)))
        time = self.time_proj.linear_2(hidden).expand(count, 1, -1)
        parts = [time, vecset]
        if self.config["global_attention"] == "moc":
            parts.append(self.packing(vecset))
        x = torch.cat(parts, dim=1)
        if self.config["codebook_size"]:
            x = x + getattr(self, self.embedding_name)(ids)[:, None]
        if image is not None:  # one copy per component, as upstream feeds it
            image = image.expand(count, -1, -1)
        skips = []
        for index, block in enumerate(self.blocks):
            x = block(x, skips.pop() if block.takes_skip else None, image)
            if index < len(self.blocks) // 2:
                skips.append(x)
        return self.proj_out(self.norm_out(x[:, 1:1 + vecset.shape[1]]))

    def forward(self, latents, noise_level, image_tokens, component_ids, component_mask=None):
        """[B, N, L, C], [B], [B, T, D_image] or None, [B, N], [B, N] bool to [B, N, L, C]."""
        velocity = torch.zeros_like(latents)
        for b, asset in enumerate(latents):
            here = slice(None) if component_mask is None else component_mask[b]
            velocity[b, here] = self.of_asset(
                asset[here], noise_level[b], None if image_tokens is None else image_tokens[b],
                component_ids[b, here])
        return velocity
