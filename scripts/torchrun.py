#!/usr/bin/env python3
"""torch's own launcher, also where only torch's wheel is installed and no GPU is.

usage: .venv/bin/python scripts/torchrun.py [torchrun's options] --no-python build/moca train ...
"""

import runpy
import sys

from plain_models import cpu_torch  # noqa: F401 (before torch)

if __name__ == "__main__":
    sys.argv[0] = "torchrun"
    runpy.run_module("torch.distributed.run", run_name="__main__")
