"""Runs exported DiTs in plain PyTorch: every folder in FOLDER holds an export and inputs.safetensors
(noisy_latents, noise_level, image_tokens, component_ids), and gets plain.safetensors (velocity).

usage: run_plain_models.py FOLDER

Exits with 77 and the reason where torch or safetensors cannot be imported.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
try:
    from plain_models import cpu_torch  # noqa: F401 (before torch)
    import torch
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    print(f"run_plain_models: {missing}", file=sys.stderr)
    sys.exit(77)

from plain_models.folder import load_dit

torch.set_num_threads(1)
for case in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    inputs = load_file(case / "inputs.safetensors")
    with torch.no_grad():  # the timestep's sines are float's, as diffusers computes them
        velocity = load_dit(case)(inputs["noisy_latents"], inputs["noise_level"].float(),
                                  inputs["image_tokens"], inputs["component_ids"])
    save_file({"velocity": velocity}, case / "plain.safetensors")
