"""Measures the sources: code lines, long functions and files, headers, tests by unit, the reading list.
Writes house.json.

usage: benchmarks/house.py [--ci LOG]
LOG: what `.ci/run` printed in a fresh clone where nothing was built before.
"""

import argparse
import json
import pathlib
import re

from provenance import bar, provenance

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks/results/house.json"
SOURCES = (".h", ".cpp", ".cu", ".cuh", ".in")
TESTED = ("dit", "ops", "training", "data", "evaluation")
READING_LIST = ("tools/train.cpp", "src/experiment/train_run.cpp", "src/training/trainer.cpp",
                "src/training/dit_training.cpp", "src/dit/moca_dit.cpp",
                "src/dit/moc_global_attention.cpp", "src/dit/component_router.cpp")
# Begins a block that is no function, at the margin or inside a class.
NO_FUNCTION = re.compile(r"\s*(namespace|class|struct|enum|union|extern|switch|if|for|while|do|else|"
                         r"public|private|template <.*> (class|struct))\b.*\{$|.*[=,(\[]\s*\{$")


def sources(*folders):
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*"))
            if file.suffix in SOURCES]


def is_code(line):
    return bool(line.strip()) and not line.strip().startswith("//")


def functions(file):
    """(first line, number of lines) of every function, by clang-format's indentation."""
    lines, found = file.read_text().splitlines(), []
    for first, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if indent not in (0, 2) or not line.endswith("{") or NO_FUNCTION.match(line):
            continue
        end = next((last for last in range(first + 1, len(lines))
                    if re.match(rf" {{{indent}}}\}}", lines[last])), first)
        # A signature may take several lines: it begins behind the block or statement before it.
        start = first
        while start > 0 and is_code(lines[start - 1]) and not re.search(r"[;{}:]$", lines[start - 1]):
            start -= 1
        found.append((start, end - start + 1))
    return found


def lines_of(file, signature):
    """Number of lines of the function whose first line has this text."""
    lines = (ROOT / file).read_text().splitlines()
    return next(length for first, length in functions(ROOT / file) if signature in lines[first])


def own_folder(file):
    parts = file.relative_to(ROOT).parts
    return parts[2] if parts[0] == "include" else parts[1] if parts[0] == "src" else parts[0]


def headers_of_one_folder():
    users = {}
    for file in sources("include", "src", "tools", "benchmarks", "examples"):
        for header in re.findall(r'#include "(moca/[^"]+)"', file.read_text()):
            users.setdefault(header, set()).add(own_folder(file))
    headers = [file for file in sources("include") if file.suffix == ".h"]
    return [str(header.relative_to(ROOT / "include")) for header in headers
            if not users.get(str(header.relative_to(ROOT / "include")), set()) - {own_folder(header)}]


def units_without_test():
    tests = {file.stem for file in (ROOT / "tests").rglob("*_test.cpp")}
    return [str(file.relative_to(ROOT)) for folder in TESTED
            for file in sorted((ROOT / "src" / folder).rglob("*.cpp"))
            if f"{file.stem}_test" not in tests]


def of_ci(log):
    """Minutes of all steps, whether they passed, and whether the example ran."""
    text = log.read_text()
    seconds = sum(map(int, re.findall(r"^== \w+ took (\d+) s$", text, re.MULTILINE)))
    return [bar("minutes of .ci/run in a fresh clone, two cores", round(seconds / 60, 1), "<=", 28),
            bar("steps of it that failed: golden losses, fixtures, resume, faults and the rest",
                len(re.findall(r"^== \w+ FAILED$", text, re.MULTILINE)), "==", 0),
            bar("the program on an installed copy built, and trained both stages",
                int("== extend took" in text), "==", 1)]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--ci", type=pathlib.Path)
    log = parser.parse_args().ci
    files = sources("include", "src", "tools")
    code = sum(is_code(line) for file in files for line in file.read_text().splitlines())
    long_functions = [f"{file.relative_to(ROOT)}:{first + 1}" for file in files
                      for first, length in functions(file) if length > 60]
    long_files = [str(file.relative_to(ROOT)) for file in files
                  if len(file.read_text().splitlines()) > 350]
    headers, units = headers_of_one_folder(), units_without_test()
    reading = sum(len((ROOT / file).read_text().splitlines()) for file in READING_LIST)
    bars = [bar("code lines of include, src and tools, without blank lines and comments", code, "<=", 29000),
            bar("functions of more than 60 lines", len(long_functions), "==", 0),
            bar("files of more than 350 lines", len(long_files), "==", 0),
            bar("public headers that no other folder includes", len(headers), "==", 0),
            bar("lines of Trainer::train", lines_of("src/training/trainer.cpp", "Trainer::train()"), "<=", 25),
            bar("lines of Trainer::train_step",
                lines_of("src/training/trainer.cpp", "Trainer::train_step("), "<=", 40),
            bar(f"units of {', '.join(TESTED)} without a test file of their name", len(units), "==", 0),
            bar("lines of the reading list's seven files", reading, "<=", 900),
            *(of_ci(log) if log else [])]
    result = {**provenance("the sources as they are", "benchmarks/house.py --ci LOG"), "bars": bars,
              "long_functions": long_functions, "long_files": long_files,
              "headers_of_one_folder": headers, "units_without_test": units}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for line in bars:
        print(f"{line['value']:>8} {line['relation']} {line['bar']:<6} {line['name']}")


if __name__ == "__main__":
    main()
