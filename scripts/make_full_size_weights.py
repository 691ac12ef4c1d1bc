"""Makes a Hugging Face folder of TripoSG or PartCrafter with random weights: the true key lists,
sizes and configurations, for tests of loading and for benchmarks where no checkpoint may be had.

usage: scripts/make_full_size_weights.py FOLDER [--model triposg|partcrafter] [--dtype f32|bf16]
                                         [--seed N]
       scripts/make_full_size_weights.py --check [--model ...] [--dtype ...]
       scripts/make_full_size_weights.py --keys vae|dit|image_encoder < CONFIG.json

--check writes nothing and prints tensors, parameters and bytes of every file. --keys prints the
names and shapes of a model of any size, its configuration with the fields of the C++ configs.
The files are written in pieces; they take 8 GB (f32) on disk and almost no memory.
"""

import argparse
import json
import math
import os
import pathlib
import sys

VAE = {"latent_channels": 64, "num_heads": 8, "width_encoder": 512, "width_decoder": 1024,
       "num_layers_encoder": 8, "num_layers_decoder": 16, "num_frequencies": 8}
DIT = {"width": 2048, "num_heads": 16, "num_layers": 21, "global_attention": "none",
       "global_blocks": [], "codebook_size": 0, "latent_channels": 64, "image_width": 1024}
IMAGE_ENCODER = {"num_channels": 3, "patch_size": 14, "width": 1024, "num_layers": 24,
                 "position_grid": 37}
BYTES = {"F32": 4, "BF16": 2}
DEVIATION = 0.02  # of linear weights and embeddings; keeps activations of every layer finite
PIECE = 1 << 22  # numbers drawn at a time


# Every function below gives (name, shape) pairs.


def linear(name, width_out, width_in, bias=True):
    yield f"{name}.weight", [width_out, width_in]
    if bias:
        yield f"{name}.bias", [width_out]


def layer_norm(name, width):
    yield f"{name}.weight", [width]
    yield f"{name}.bias", [width]


def feed_forward(name, width):
    yield from linear(f"{name}.net.0.proj", 4 * width, width)
    yield from linear(f"{name}.net.2", width, 4 * width)


def attention(name, width, context_width=None, normed_heads=0, normed_context=False):
    """`normed_heads`: width of a head where queries and keys have an RMS norm."""
    context_width = context_width or width
    if normed_heads:
        yield f"{name}.norm_q.weight", [normed_heads]
        yield f"{name}.norm_k.weight", [normed_heads]
    if normed_context:
        yield from layer_norm(f"{name}.norm_cross", width)
    yield from linear(f"{name}.to_q", width, width, bias=False)
    yield from linear(f"{name}.to_k", width, context_width, bias=False)
    yield from linear(f"{name}.to_v", width, context_width, bias=False)
    yield from linear(f"{name}.to_out.0", width, width)


def vae_block(name, width, cross):
    number = 2 if cross else 1
    yield from layer_norm(f"{name}.norm{number}", width)
    yield from attention(f"{name}.attn{number}", width, normed_context=cross)
    yield from layer_norm(f"{name}.norm3", width)
    yield from feed_forward(f"{name}.ff", width)


def vae_keys(config):
    encoder, decoder = config["width_encoder"], config["width_decoder"]
    embedded = 3 * (2 * config["num_frequencies"] + 1)
    yield from linear("encoder.proj_in", encoder, embedded + 3)
    for i in range(config["num_layers_encoder"] + 1):
        yield from vae_block(f"encoder.blocks.{i}", encoder, cross=i == 0)
    yield from layer_norm("encoder.norm_out", encoder)
    yield from linear("quant", 2 * config["latent_channels"], encoder)
    yield from linear("post_quant", decoder, config["latent_channels"])
    last = config["num_layers_decoder"]
    for i in range(last + 1):
        yield from vae_block(f"decoder.blocks.{i}", decoder, cross=i == last)
    yield from linear("decoder.proj_query", decoder, embedded)
    yield from layer_norm("decoder.norm_out", decoder)
    yield from linear("decoder.proj_out", 1, decoder)


def dit_block(name, index, config):
    width = config["width"]
    head_width = width // config["num_heads"]
    blocks = config["global_blocks"]
    is_global = index in blocks if blocks else index % 2 == 0
    yield from layer_norm(f"{name}.norm1", width)
    yield from attention(f"{name}.attn1", width, normed_heads=head_width)
    yield from layer_norm(f"{name}.norm2", width)
    yield from attention(f"{name}.attn2", width, config["image_width"], normed_heads=head_width)
    yield from layer_norm(f"{name}.norm3", width)
    yield from feed_forward(f"{name}.ff", width)
    if is_global and config["global_attention"] == "moc":
        routed = width if config["router"]["per_head"] else head_width
        yield from linear(f"{name}.router.to_q", routed, width, bias=False)
        yield from linear(f"{name}.router.to_k", routed, width, bias=False)
    if index > config["num_layers"] // 2:
        yield from linear(f"{name}.skip_linear", width, 2 * width)
        yield from layer_norm(f"{name}.skip_norm", width)


def dit_keys(config):
    """Dense: PartCrafter's keys; moc: MoCA's, with component_embedding, packing and routers."""
    width = config["width"]
    yield from linear("time_proj.linear_1", 4 * width, width)
    yield from linear("time_proj.linear_2", width, 4 * width)
    if config["codebook_size"]:
        dense = config["global_attention"] == "dense"
        table = "part_embedding" if dense else "component_embedding"
        yield f"{table}.weight", [config["codebook_size"], width]
    yield from linear("proj_in", width, config["latent_channels"])
    if config["global_attention"] == "moc":
        yield "packing.compression_queries", [config["num_compressed_tokens"], width]
        yield "packing.anchor_query", [1, width]
        yield from attention("packing.attention", width, normed_heads=width // config["num_heads"])
    for i in range(config["num_layers"]):
        yield from dit_block(f"blocks.{i}", i, config)
    yield from layer_norm("norm_out", width)
    yield from linear("proj_out", config["latent_channels"], width)


def image_encoder_keys(config):
    width, patch = config["width"], config["patch_size"]
    yield "embeddings.cls_token", [1, 1, width]
    yield "embeddings.mask_token", [1, width]
    yield "embeddings.position_embeddings", [1, 1 + config["position_grid"] ** 2, width]
    projection = "embeddings.patch_embeddings.projection"
    yield f"{projection}.weight", [width, config["num_channels"], patch, patch]
    yield f"{projection}.bias", [width]
    for i in range(config["num_layers"]):
        name = f"encoder.layer.{i}"
        yield from layer_norm(f"{name}.norm1", width)
        for part in ("query", "key", "value"):
            yield from linear(f"{name}.attention.attention.{part}", width, width)
        yield from linear(f"{name}.attention.output.dense", width, width)
        yield f"{name}.layer_scale1.lambda1", [width]
        yield from layer_norm(f"{name}.norm2", width)
        yield from linear(f"{name}.mlp.fc1", 4 * width, width)
        yield from linear(f"{name}.mlp.fc2", width, 4 * width)
        yield f"{name}.layer_scale2.lambda1", [width]
    yield from layer_norm("layernorm", width)


KEYS = {"vae": vae_keys, "dit": dit_keys, "image_encoder": image_encoder_keys}


class WeightFile:
    """One safetensors file: its header and how its numbers are drawn."""

    def __init__(self, path, keys, dtype, metadata):
        self.path, self.dtype = path, dtype
        self.tensors = sorted(keys)  # safetensors' own order for one type
        entries = {"__metadata__": {"format": "pt"}} if metadata else {}
        end = 0
        for name, shape in self.tensors:
            begin, end = end, end + math.prod(shape) * BYTES[dtype]
            entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        header = json.dumps(entries, separators=(",", ":")).encode()
        self.header = header + b" " * (-len(header) % 8)
        self.num_parameters = end // BYTES[dtype]
        self.num_bytes = 8 + len(self.header) + end

    def write(self, folder, random):
        file = folder / self.path
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(file.name + ".unfinished")
        with open(unfinished, "wb") as out:
            out.write(len(self.header).to_bytes(8, "little") + self.header)
            for name, shape in self.tensors:
                for piece in numbers(name, shape, random):
                    out.write(stored(piece, self.dtype))
        os.replace(unfinished, file)


def numbers(name, shape, random):
    """A tensor's float32 numbers in pieces: norms and layer scales 1, biases 0, others normal."""
    import numpy as np
    count = math.prod(shape)
    if name.endswith("bias") or name.endswith("mask_token"):
        yield np.zeros(count, np.float32)
    elif len(shape) == 1:
        yield np.ones(count, np.float32)
    else:
        for begin in range(0, count, PIECE):
            piece = random.standard_normal(min(PIECE, count - begin), dtype=np.float32)
            piece *= DEVIATION
            yield piece


def stored(piece, dtype):
    """The bytes of float32 numbers; bf16 is rounded to nearest, ties to even."""
    import numpy as np
    if dtype == "F32":
        return piece.data
    bits = piece.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).data


def weight_files(model, dtype):
    dit = DIT | ({"global_attention": "dense", "codebook_size": 32} if model == "partcrafter"
                 else {})
    # TripoSG's own transformer file has no metadata.
    return [
        WeightFile("vae/diffusion_pytorch_model.safetensors", vae_keys(VAE), dtype, True),
        WeightFile("image_encoder_dinov2/model.safetensors", image_encoder_keys(IMAGE_ENCODER),
                   dtype, True),
        WeightFile("transformer/diffusion_pytorch_model.safetensors", dit_keys(dit), dtype,
                   model != "triposg"),
    ]


def configurations(model):
    """Every JSON file of the folder, with the fields and values of the public ones."""
    pipeline = {"triposg": "TripoSG", "partcrafter": "PartCrafter"}[model]
    library = {"triposg": "triposg", "partcrafter": "src"}[model]
    transformer = {"_class_name": f"{pipeline}DiTModel", "num_attention_heads": DIT["num_heads"],
                   "width": DIT["width"], "in_channels": DIT["latent_channels"],
                   "num_layers": DIT["num_layers"], "cross_attention_dim": DIT["image_width"]}
    if model == "partcrafter":
        transformer |= {
            "max_num_parts": 32, "enable_part_embedding": True, "enable_local_cross_attn": True,
            "enable_global_cross_attn": True, "global_attn_block_ids": list(range(0, 21, 2)),
            "global_attn_block_id_range": None}
    return {
        "model_index.json": {
            "_class_name": f"{pipeline}Pipeline",
            "vae": [f"{library}.models.autoencoders", "TripoSGVAEModel"],
            "transformer": [f"{library}.models.transformers", f"{pipeline}DiTModel"],
            "scheduler": [f"{library}.schedulers", "RectifiedFlowScheduler"],
            "image_encoder_dinov2": ["transformers", "Dinov2Model"],
            "feature_extractor_dinov2": ["transformers", "BitImageProcessor"]},
        "vae/config.json": {
            "_class_name": "Tripo2VAEModel", "in_channels": 3,
            "latent_channels": VAE["latent_channels"], "num_attention_heads": VAE["num_heads"],
            "width_encoder": VAE["width_encoder"], "width_decoder": VAE["width_decoder"],
            "num_layers_encoder": VAE["num_layers_encoder"],
            "num_layers_decoder": VAE["num_layers_decoder"], "embedding_type": "frequency",
            "embed_frequency": VAE["num_frequencies"], "embed_include_pi": False},
        "transformer/config.json": transformer,
        "scheduler/scheduler_config.json": {
            "_class_name": "RectifiedFlowScheduler", "num_train_timesteps": 1000, "shift": 1,
            "use_dynamic_shifting": False},
        "image_encoder_dinov2/config.json": {
            "architectures": ["Dinov2Model"], "model_type": "dinov2", "hidden_size": 1024,
            "num_hidden_layers": 24, "num_attention_heads": 16, "mlp_ratio": 4,
            "hidden_act": "gelu", "layer_norm_eps": 1e-6, "image_size": 518, "patch_size": 14,
            "num_channels": 3, "qkv_bias": True, "layerscale_value": 1.0, "drop_path_rate": 0.0,
            "use_swiglu_ffn": False},
        "feature_extractor_dinov2/preprocessor_config.json": {
            "image_processor_type": "BitImageProcessor", "do_resize": True,
            "size": {"shortest_edge": 256}, "resample": 3, "do_center_crop": True,
            "crop_size": {"height": 224, "width": 224}, "do_rescale": True,
            "rescale_factor": 1 / 255, "do_normalize": True,
            "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
            "do_convert_rgb": True},
    }


def write_folder(folder, model, dtype, seed):
    import numpy as np
    for name, contents in configurations(model).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(contents, indent=2) + "\n")
    for index, file in enumerate(weight_files(model, dtype)):
        file.write(folder, np.random.Generator(np.random.SFC64([seed, index])))


def main():
    parser = argparse.ArgumentParser(usage=__doc__.partition("usage: ")[2])
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--model", choices=["triposg", "partcrafter"], default="triposg")
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keys", choices=KEYS)
    options = parser.parse_args()
    if options.keys:
        print(json.dumps(dict(KEYS[options.keys](json.load(sys.stdin)))))
        return
    if not options.folder and not options.check:
        parser.error("name a FOLDER, or --check or --keys")
    for file in weight_files(options.model, options.dtype.upper()):
        print(f"{file.path}: {len(file.tensors)} tensors, {file.num_parameters:,} parameters, "
              f"{file.num_bytes:,} bytes")
    if not options.check:
        write_folder(options.folder, options.model, options.dtype.upper(), options.seed)


if __name__ == "__main__":
    main()
