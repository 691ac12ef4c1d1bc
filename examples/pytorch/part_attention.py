#!/usr/bin/env python3
"""PartCrafter's global attention in plain PyTorch, and MoCA's in its place by moca's operators.

usage: python3 examples/pytorch/part_attention.py LIBRARY      for example build/libmoca_ops.so
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn


class GlobalAttention(nn.Module):
    """Between all tokens of an object's N components: tokens [B * N, L, C]."""

    def __init__(self, width, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.norm_q, self.norm_k = (nn.RMSNorm(width // num_heads, eps=1e-6) for _ in range(2))
        self.to_out = nn.Linear(width, width)

    def heads(self, projected, num_components):
        """[B * N, S, C] -> [B, N, H, S, K]"""
        split = projected.unflatten(0, (-1, num_components)).unflatten(-1, (self.num_heads, -1))
        return split.transpose(2, 3)

    def project(self, tokens, num_components):
        query, key, value = (self.heads(to(tokens), num_components)
                             for to in (self.to_q, self.to_k, self.to_v))
        return self.norm_q(query), self.norm_k(key), value

    def output(self, attended):
        """[B, N, H, L, K] -> [B * N, L, C]"""
        return self.to_out(attended.transpose(2, 3).flatten(3).flatten(0, 1))

    def forward(self, tokens, num_components):
        joined = [heads.transpose(1, 2).flatten(2, 3)  # [B, H, N * L, K]
                  for heads in self.project(tokens, num_components)]
        attended = F.scaled_dot_product_attention(*joined)
        return self.output(attended.unflatten(2, (num_components, -1)).transpose(1, 2))


class MocGlobalAttention(GlobalAttention):
    """The same weights and a router: tokens [B * N, L + M + 1, C]. To the L tokens of a component are
    added M compressed ones and an anchor, learned queries that the blocks inside components update.
    A component attends to its num_selected most important others in full and to the compressed
    tokens of the rest. Returns [B * N, L, C]."""

    def __init__(self, width, num_heads, num_compressed, num_selected, gate_target="key"):
        super().__init__(width, num_heads)
        self.num_compressed, self.num_selected = num_compressed, num_selected
        self.gate_target = gate_target
        self.router_q, self.router_k = (nn.Linear(width, width, bias=False) for _ in range(2))

    def route(self, anchor, num_components):
        # In float also under autocast: scores in bf16 tie.
        with torch.autocast(anchor.device.type, enabled=False):
            query, key = (self.heads(F.linear(anchor.float(), to.weight.float()), num_components)
                          .squeeze(3) for to in (self.router_q, self.router_k))  # [B, N, H, K]
        if not self.training:
            return torch.ops.moca.route(query, key, self.num_selected)
        # While it trains, the others are drawn in proportion to their importance.
        uniform = torch.rand(*query.shape[:3], num_components, device=query.device)
        return torch.ops.moca.route(query, key, self.num_selected, sampling="importance",
                                    uniform=uniform)

    def forward(self, tokens, num_components):
        num_full = tokens.shape[1] - self.num_compressed - 1
        full, compressed, anchor = tokens.split([num_full, self.num_compressed, 1], 1)
        query, key, value = self.project(full, num_components)
        _, compressed_key, compressed_value = self.project(compressed, num_components)
        importance, selected, rest = self.route(anchor, num_components)
        return self.output(torch.ops.moca.moc_attention(
            query, key, value, compressed_key, compressed_value, importance, selected, rest,
            gate_target=self.gate_target))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.ops.load_library(sys.argv[1])
    torch.manual_seed(0)
    B, N, L, M, C = 2, 6, 64, 8, 128
    tokens = torch.randn(B * N, L + M + 1, C)

    moc = MocGlobalAttention(C, num_heads=4, num_compressed=M, num_selected=2)
    loss = moc(tokens, N).square().mean()
    loss.backward()
    print(f"loss {loss.item():.4f}, gradient of the router {moc.router_q.weight.grad.norm():.4f}")

    # Where everyone is selected and nothing gated, it is the dense attention.
    everyone = MocGlobalAttention(C, 4, M, num_selected=N - 1, gate_target="none")
    dense = GlobalAttention(C, 4)
    dense.load_state_dict(everyone.state_dict(), strict=False)
    difference = (everyone(tokens, N) - dense(tokens[:, :L], N)).abs().max().item()
    print(f"all selected, no gates: {difference:.1e} from the dense attention")
    if difference > 1e-5:
        sys.exit("which is too much")


if __name__ == "__main__":
    main()
