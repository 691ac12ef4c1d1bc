"""Model folders as `moca convert-weights` writes them, into the plain models.

docs/public_weights.md says what every entry and tensor means.
"""

import json
import pathlib

from safetensors.torch import load_file

from plain_models.dit import Dit
from plain_models.vae import VecsetVae


def read_part(folder, part):
    """The config and the tensors of one part."""
    part = pathlib.Path(folder) / part
    config = json.loads((part / "config.json").read_text())
    return config, load_file(part / "diffusion_pytorch_model.safetensors")


def dit_config(json_config):
    """config.json of a transformer as the fields of `Dit`."""
    config = {
        "width": json_config["width"],
        "num_heads": json_config["num_attention_heads"],
        "num_layers": json_config["num_layers"],
        "latent_channels": json_config["in_channels"],
        "image_width": json_config["cross_attention_dim"],
        "codebook_size": 0,
        "global_attention": "none",
        "global_blocks": json_config.get("global_attn_block_ids", []),
        "local_image_attention": json_config.get("enable_local_cross_attn", True),
        "global_image_attention": json_config.get("enable_global_cross_attn", True),
    }
    if json_config.get("enable_part_embedding", False):
        config["codebook_size"] = json_config["max_num_parts"]
    if config["global_blocks"]:
        config["global_attention"] = "dense"
    if "moca" in json_config:
        moca = json_config["moca"]
        config |= {"global_attention": "moc", "router": moca} | moca
    return config


def load_dit(folder):
    """TripoSG's, PartCrafter's or MoCA's DiT. Its velocity is the file's, latents - noise."""
    json_config, tensors = read_part(folder, "transformer")
    dit = Dit(dit_config(json_config))
    if "part_embedding.weight" in tensors:
        tensors[f"{dit.embedding_name}.weight"] = tensors.pop("part_embedding.weight")
    dit.load_state_dict(tensors)
    return dit.eval()


def load_vae(folder):
    """The VAE; it decodes the DiT's latents as they are."""
    json_config, tensors = read_part(folder, "vae")
    vae = VecsetVae({
        "latent_channels": json_config["latent_channels"],
        "num_heads": json_config["num_attention_heads"],
        "width_encoder": json_config["width_encoder"],
        "width_decoder": json_config["width_decoder"],
        "num_layers_encoder": json_config["num_layers_encoder"],
        "num_layers_decoder": json_config["num_layers_decoder"],
        "num_frequencies": json_config["embed_frequency"],
        "frequencies_include_pi": json_config["embed_include_pi"],
    })
    vae.load_state_dict(tensors)
    return vae.eval()
