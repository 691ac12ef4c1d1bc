"""Makes `import torch` work on a machine without a GPU where only torch's own wheel is installed.

PyPI's wheel for Linux is the CUDA build: its libraries name 3 GB of CUDA libraries that a CPU never
calls. Those that are not installed get an empty stand-in, made by the C compiler and loaded under
the same name before torch is. Functions are bound when first called, so none is missed.
"""

import ctypes
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

# What libtorch_python.so and the libraries it needs name and torch 2.11's own folder lacks.
CUDA_LIBRARIES = (
    "libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9", "libcufft.so.12", "libcufile.so.0",
    "libcurand.so.10", "libcusparse.so.12", "libcusparseLt.so.0", "libnccl.so.2",
    "libnvshmem_host.so.3",
)


def _missing_libraries(packages):
    found = {file.name for file in (packages / "nvidia").glob("**/lib*.so*")}
    return [name for name in CUDA_LIBRARIES if name not in found]


def prepare():
    """Loads the stand-ins that torch needs; does nothing where torch is a CPU build or complete."""
    spec = importlib.util.find_spec("torch")
    if spec is None or "torch" in sys.modules or not sys.platform.startswith("linux"):
        return
    torch_folder = pathlib.Path(spec.submodule_search_locations[0])
    if not (torch_folder / "lib" / "libtorch_cuda.so").exists():
        return
    missing = _missing_libraries(torch_folder.parent)
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in missing:
            file = pathlib.Path(folder) / name
            try:
                subprocess.run(["cc", "-shared", "-nostdlib", "-x", "c", os.devnull,
                                f"-Wl,-soname,{name}", "-o", str(file)], check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise ImportError(f"torch needs {name}, or a C compiler to stand in for it: {error}"
                                  ) from error
            ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
    sys.setdlopenflags(os.RTLD_LAZY)


prepare()
