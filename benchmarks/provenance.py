"""Where a result comes from: what every file of benchmarks/results says first."""

import datetime
import os
import pathlib
import subprocess

# What our kernels are compiled for, and what decides a ratio: with AVX-512 a Zen 5 gains twice what a
# Zen 4 gains.
INSTRUCTION_SETS = ("avx", "avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_bf16",
                    "amx_tile", "amx_bf16")
# Family and first and last model of a generation (AMD, processor programming references).
GENERATIONS = {"Zen 3": (25, 0x00, 0x0F), "Zen 4": (25, 0x10, 0xAF), "Zen 5": (26, 0x00, 0xFF)}


def cpu_fields():
    """The first processor of /proc/cpuinfo: field to text."""
    first = pathlib.Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    fields = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in fields}


def generation_of(fields):
    if fields.get("vendor_id") != "AuthenticAMD":
        return ""
    family, model = int(fields["cpu family"]), int(fields["model"])
    for name, (of_family, first, last) in GENERATIONS.items():
        if family == of_family and first <= model <= last:
            return f" ({name})"
    return ""


def hardware():
    """CPU, its instruction sets among those that matter here, and the number of cores."""
    fields = cpu_fields()
    flags = fields.get("flags", "").split()
    return {
        "cpu": f"{fields.get('model name', 'unknown')}{generation_of(fields)}, family "
               f"{fields.get('cpu family', '?')} model {fields.get('model', '?')}",
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags],
        "cores": os.cpu_count(),
    }


def revision():
    """The checkout's commit, with -dirty where the working tree differs from it."""
    root = pathlib.Path(__file__).parent
    return subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=10"], cwd=root,
                          check=True, capture_output=True, text=True).stdout.strip()


def provenance(how, command):
    """how: what is measured, in words; command: what a reader types to measure it again."""
    return {"how": how, "command": command, "revision": revision(),
            "date": datetime.date.today().isoformat(), "hardware": hardware()}


def bar(name, value, relation, limit):
    """One line of a result's `bars`: the value must be <=, >= or == the limit."""
    return {"name": name, "value": value, "relation": relation, "bar": limit}
