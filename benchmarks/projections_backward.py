"""Prints the time that the backward pass of an attention's projections takes in LibTorch with `unbind`
over that with indexing, the median of 10; fails where gradients differ in a bit. One thread.
"""

import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))
from plain_models import cpu_torch  # noqa: E402,F401 (before torch)
import torch  # noqa: E402

N, L, D, H = 8, 513, 512, 8
ROUNDS, FIRST = 12, 2

torch.set_num_threads(1)
tokens = torch.randn(N, L, D, requires_grad=True)
weight = torch.randn(3 * D, D, requires_grad=True)
gradients = [torch.randn(N, L, H, D // H).transpose(1, 2) for _ in range(3)]


def backward(way):
    """Seconds of the process and the gradients."""
    parts = torch.nn.functional.linear(tokens, weight).view(N, L, H, 3, D // H)
    if way == "unbind":
        outputs = [heads.transpose(1, 2) for heads in parts.unbind(3)]
    else:
        outputs = [parts.permute(3, 0, 2, 1, 4)[i] for i in range(3)]
    start = time.process_time()
    found = torch.autograd.grad(outputs, (tokens, weight), gradients)
    return time.process_time() - start, found


def ratio():
    (ours, a), (theirs, b) = backward("unbind"), backward("index")
    if not all(map(torch.equal, a, b)):
        sys.exit("gradients differ")
    return ours / theirs


print(statistics.median([ratio() for _ in range(ROUNDS)][FIRST:]))
