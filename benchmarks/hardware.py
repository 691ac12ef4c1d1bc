"""What the results say they were measured on."""

import os
import pathlib
import platform


def hardware():
    """The processor's name and the number of cores."""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.partition(':')[2].strip()}, {os.cpu_count()} cores"
    return f"{platform.processor()}, {os.cpu_count()} cores"
