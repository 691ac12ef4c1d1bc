"""DINOv2: a picture to one class token and one token per patch."""

import torch
import torch.nn.functional as F
from torch import nn

from plain_models.layers import LayerNorm


def holder(**members):
    """A module that only gives its members their names."""
    module = nn.Module()
    for name, member in members.items():
        setattr(module, name, member)
    return module


class Layer(nn.Module):
    def __init__(self, width, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.norm1 = LayerNorm(width, 1e-6)
        self.attention = holder(
            attention=holder(query=nn.Linear(width, width), key=nn.Linear(width, width),
                             value=nn.Linear(width, width)),
            output=holder(dense=nn.Linear(width, width)))
        self.layer_scale1 = holder(lambda1=nn.Parameter(torch.ones(width)))
        self.norm2 = LayerNorm(width, 1e-6)
        self.mlp = holder(fc1=nn.Linear(width, 4 * width), fc2=nn.Linear(4 * width, width))
        self.layer_scale2 = holder(lambda1=nn.Parameter(torch.ones(width)))

    def attend(self, x):
        projections = self.attention.attention

        def heads(projected):  # conventional split
            return projected.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

        attended = F.scaled_dot_product_attention(
            heads(projections.query(x)), heads(projections.key(x)), heads(projections.value(x)))
        return self.attention.output.dense(attended.transpose(1, 2).flatten(2))

    def forward(self, x):
        x = x + self.layer_scale1.lambda1 * self.attend(self.norm1(x))
        return x + self.layer_scale2.lambda1 * self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


class DinoV2(nn.Module):
    """`config` holds the fields of the C++ ImageEncoderConfig."""

    def __init__(self, config):
        super().__init__()
        self.grid = config["position_grid"]
        width, patch = config["width"], config["patch_size"]
        self.embeddings = holder(
            cls_token=nn.Parameter(torch.zeros(1, 1, width)),
            mask_token=nn.Parameter(torch.zeros(1, width)),  # in the checkpoints, unused
            position_embeddings=nn.Parameter(torch.zeros(1, 1 + self.grid**2, width)),
            patch_embeddings=holder(
                projection=nn.Conv2d(config["num_channels"], width, patch, stride=patch)))
        self.encoder = holder(layer=nn.ModuleList(
            [Layer(width, config["num_heads"]) for _ in range(config["num_layers"])]))
        self.layernorm = LayerNorm(width, 1e-6)

    def positions(self, rows, columns):
        table = self.embeddings.position_embeddings
        if rows == columns == self.grid:
            return table
        square = table[:, 1:].unflatten(1, (self.grid, self.grid)).permute(0, 3, 1, 2)
        resized = F.interpolate(square, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([table[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)

    def forward(self, images):
        """Images [B, channels, height, width], normalised, to tokens [B, 1 + patches, D]."""
        patches = self.embeddings.patch_embeddings.projection(images)
        rows, columns = patches.shape[2:]
        first = self.embeddings.cls_token.expand(len(images), -1, -1)
        x = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
        x = x + self.positions(rows, columns)
        for layer in self.encoder.layer:
            x = layer(x)
        return self.layernorm(x)
