"""Prints the figures of a finished quickstart as benchmarks/results/quickstart.json keeps them.

usage: scripts/quickstart_result.py RUN SUMMARY.json
"""

import json
import os
import pathlib
import sys


def result(run, summary):
    evaluation = json.loads((run / "evaluation" / "evaluation.json").read_text())
    environment = json.loads((run / "environment.json").read_text())
    train, test = evaluation["train"], evaluation["test"]
    components = evaluation["vae_components"]["train"]
    return {
        "how": "scripts/quickstart.sh on a fresh Debian 12; means over the assets trained on, each "
               "generated from its picture with a fixed seed; moca evaluate's conventions",
        "cpu_cores": os.cpu_count(),
        "git_revision": environment["git_revision"],
        **json.loads(summary.read_text()),
        "chamfer": train["generated"]["chamfer"],
        "f_score_0.1": train["generated"]["f_score_0.1"],
        "f_score_0.05": train["generated"]["f_score_0.05"],
        "self_iou": train["generated"]["self_iou"],
        "control_f_score_0.1": train["control"]["f_score_0.1"],
        "other_picture_f_score_0.1": train["other_picture"]["f_score_0.1"],
        "vae_f_score_0.05_median": components["f_score_0.05_median"],
        "vae_f_score_0.05_mean": components["f_score_0.05_mean"],
        "vae_reconstruction_f_score_0.1": train["vae_reconstruction"]["f_score_0.1"],
        "num_assets": train["num_assets"],
        "num_components": components["num_components"],
        "held_out": {
            "num_assets": test["num_assets"],
            "chamfer": test["generated"]["chamfer"],
            "f_score_0.1": test["generated"]["f_score_0.1"],
            "f_score_0.05": test["generated"]["f_score_0.05"],
        },
        "conventions": evaluation["conventions"],
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(json.dumps(result(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])), indent=1))
