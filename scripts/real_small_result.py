"""Prints the figures of a finished real_small run as benchmarks/results/real_small.json keeps them.

usage: scripts/real_small_result.py RUN VAE_RUN
"""

import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "benchmarks"))
from provenance import provenance  # noqa: E402 (found by the line above)

COMMAND = ("moca prepare-data configs/real_small_vae.yaml; moca train configs/real_small_vae.yaml; "
           "moca train configs/real_small.yaml; moca evaluate runs/real_small")


def minutes_of(run):
    """Of training, validation and checkpoints included; a resumed run counts from its start."""
    *_, last = (run / "metrics.jsonl").read_text().splitlines()
    return json.loads(last)["minutes"]


def result(run, vae_run):
    evaluation = json.loads((run / "evaluation" / "evaluation.json").read_text())
    del evaluation["assets"]
    origin = provenance("the 63 objects of the project's reference data, 56 trained on, 7 not; means; "
                        "moca evaluate's conventions", COMMAND)
    origin["revision"] = json.loads((run / "environment.json").read_text())["git_revision"]
    minutes = {"vae": minutes_of(vae_run), "dit": minutes_of(run)}
    return {**origin, "bars": [], "train_minutes": minutes, **evaluation}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(json.dumps(result(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])), indent=1))
