"""Prints the figures of a finished quickstart as benchmarks/results/quickstart.json keeps them.

usage: scripts/quickstart_result.py RUN SUMMARY.json
"""

import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "benchmarks"))
from provenance import bar, provenance  # noqa: E402 (found by the line above)

# In all, of training, GiB; the scores of the assets trained on, and of the VAE by component.
BARS = {"total_minutes": ("<=", 40), "train_minutes": ("<=", 15), "peak_memory_gib": ("<=", 8),
        "f_score_0.1": (">=", 0.85), "chamfer": ("<=", 0.12), "control_f_score_0.1": ("<=", 0.35),
        "vae_f_score_0.05_median": (">=", 0.90), "vae_f_score_0.05_mean": (">=", 0.80)}


def result(run, summary):
    evaluation = json.loads((run / "evaluation" / "evaluation.json").read_text())
    del evaluation["assets"]
    environment = json.loads((run / "environment.json").read_text())
    measured, train = json.loads(summary.read_text()), evaluation["train"]
    values = {**measured, **train["generated"],
              **{f"control_{name}": value for name, value in train["control"].items()},
              **{f"vae_{name}": value
                 for name, value in evaluation["vae_components"]["train"].items()}}
    origin = provenance("means over the assets trained on, each generated from its image with a "
                        "fixed seed; moca evaluate's conventions", "scripts/quickstart.sh")
    origin["revision"] = environment["git_revision"]
    bars = [bar(name, values[name], *rule) for name, rule in BARS.items()]
    return {**origin, "bars": bars, **measured, **evaluation}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(json.dumps(result(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])), indent=1))
