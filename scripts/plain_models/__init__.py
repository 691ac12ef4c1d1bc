"""Plain PyTorch statements of the models' maths, written for tests and benchmarks.

Nothing here is fast or general: every module says what the C++ module of the same name computes, in
the parameter names of the public checkpoints, so that either side can be checked against the other.
Import `cpu_torch` before torch.
"""
