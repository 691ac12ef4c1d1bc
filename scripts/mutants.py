#!/usr/bin/env python3
"""Asks whether the tests notice deliberate mistakes in the science core (scripts/mutants.txt).

usage: scripts/mutants.py [--tree FOLDER] [--only N,M,...] [--jobs 2] [--out FILE.json]
       scripts/mutants.py --check     only whether every line of the list still fits the sources

Every mistake of the list is put into one copy of the sources behind a switch that an environment
variable turns on, so that one build serves all of them. Then the test programs of the folders that
the mistake concerns run until the first test fails. Golden losses are left out: they notice any
change, also a right one. Takes about an hour on two cores, so it is run by hand, when the core or
its tests changed.

--tree FOLDER   the copy of the sources, with its build folder (default build-mutants); what is there
                is brought up to date
--only N,M      these lines of the list alone, as numbered in the result
--jobs N        mutants that are tested at a time
--out FILE      the result as JSON (default mutants.json in the tree's build folder)
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "scripts" / "mutants.txt"
SWITCH = "MOCA_MUTANT"
HEADER = """#pragma once
#include <cstdlib>
inline bool moca_mutant(int number) {
  static const int chosen = [] {
    const char* text = std::getenv("MOCA_MUTANT");
    return text == nullptr ? 0 : std::atoi(text);
  }();
  return chosen == number;
}
"""
# Test programs that may notice a mistake in a folder of src, the nearest first.
PROGRAMS = {
    "ops": ["ops", "dit"],
    "nn": ["nn", "vae", "dit"],
    "image": ["image"],
    "mesh": ["mesh", "data"],
    "evaluation": ["evaluation", "experiment"],
    "dit": ["dit"],
    "image_encoder": ["image_encoder", "generation"],
    "flow": ["flow", "generation"],
    "vae": ["vae", "generation", "training"],
    "data": ["data"],
    "generation": ["generation", "training"],
    "training": ["training"],
    "experiment": ["experiment"],
    "pretrained": ["pretrained"],
}
LEFT_OUT = "-*GoldenLosses*:*Distributed*:*ExactResume*:*DeathTest*"
SECONDS = 900  # a test program that takes longer has noticed


def read_list():
    mutants = []
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            file, original, mutated = (part.strip() for part in line.split(" | "))
            mutants.append({"number": len(mutants) + 1, "file": file, "original": original,
                            "mutated": mutated})
    return mutants


def place_of(text, mutant):
    """Where the original stands; blanks and line ends are the same."""
    pattern = r"\s+".join(re.escape(word) for word in mutant["original"].split())
    found = [match.span() for match in re.finditer(pattern, text)]
    if len(found) != 1:
        sys.exit(f"{LIST.name}: '{mutant['original']}' stands {len(found)} times in "
                 f"{mutant['file']}, it must stand there once.")
    return found[0]


def switched(mutant, inner):
    if mutant["original"].endswith(";"):
        return (f"if (moca_mutant({mutant['number']})) {{ {mutant['mutated']} }} "
                f"else {{ {inner} }}")
    return f"(moca_mutant({mutant['number']}) ? ({mutant['mutated']}) : ({inner}))"


def mutated_text(file, mutants):
    text = (ROOT / file).read_text()
    spans = {}
    for mutant in mutants:
        spans.setdefault(place_of(text, mutant), []).append(mutant)
    places = sorted(spans)
    for before, after in zip(places, places[1:]):
        if before[1] > after[0]:
            sys.exit(f"{LIST.name}: '{spans[after][0]['original']}' of {file} overlaps another "
                     "mutant's text without being equal to it.")
    for begin, end in reversed(places):
        piece = text[begin:end]
        for mutant in spans[begin, end]:
            piece = switched(mutant, piece)
        text = text[:begin] + piece + text[end:]
    return '#include "moca/core/mutants.h"\n' + text


def update(target, content):
    """Leaves a file alone that is right already: it is not compiled again."""
    if not target.exists() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def make_tree(tree, mutants):
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            own = [m for m in mutants if m["file"] == name]
            update(tree / name, mutated_text(name, own).encode() if own else source.read_bytes())
            shutil.copymode(source, tree / name)
    update(tree / "include/moca/core/mutants.h", HEADER.encode())
    if (ROOT / ".venv").exists() and not (tree / ".venv").exists():
        (tree / ".venv").symlink_to(ROOT / ".venv")


def programs_of(mutants):
    wanted = {name for mutant in mutants for name in PROGRAMS[mutant["file"].split("/")[1]]}
    return [f"moca_{name}_test" for name in sorted(wanted)]


def build(tree, build_folder, mutants):
    if not (build_folder / "build.ninja").exists():
        subprocess.run(["cmake", "-S", tree, "-B", build_folder, "-G", "Ninja"], check=True)
    subprocess.run(["ninja", "-C", build_folder, *programs_of(mutants)], check=True)


def run_program(build_folder, name, number):
    """Nothing where all tests pass, else what noticed."""
    environment = {"MOCA_SHARED": str(ROOT.parent / "shared"), **os.environ,
                   "OMP_NUM_THREADS": "1", SWITCH: str(number)}
    program = build_folder / "tests" / f"moca_{name}_test"
    try:
        result = subprocess.run([program, "--gtest_brief=1", "--gtest_fail_fast",
                                 f"--gtest_filter={LEFT_OUT}"],
                                env=environment, capture_output=True, text=True, timeout=SECONDS,
                                check=False, errors="replace")
    except subprocess.TimeoutExpired:
        return f"moca_{name}_test took over {SECONDS} s"
    if result.returncode == 0:
        return None
    failed = re.search(r"\[  FAILED  \] ([\w/.]+)", result.stdout)
    return f"{name}: {failed.group(1)}" if failed else f"{name}: ended with {result.returncode}"


def noticed_by(build_folder, mutant):
    for name in PROGRAMS[mutant["file"].split("/")[1]]:
        noticed = run_program(build_folder, name, mutant["number"])
        if noticed:
            return noticed
    return None


def check_without_mutants(build_folder, mutants):
    for program in programs_of(mutants):
        failure = run_program(build_folder, program[len("moca_"):-len("_test")], 0)
        if failure:
            sys.exit(f"without any mutant: {failure}. The tests must pass first.")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--tree", type=pathlib.Path, default=ROOT / "build-mutants")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    mutants = read_list()
    if options.check:
        for file in {mutant["file"] for mutant in mutants}:
            mutated_text(file, [mutant for mutant in mutants if mutant["file"] == file])
        return 0
    tree = options.tree.resolve()
    build_folder = tree / "build"
    make_tree(tree, mutants)
    build(tree, build_folder, mutants)
    chosen = {int(number) for number in options.only.split(",") if number}
    tested = [m for m in mutants if not chosen or m["number"] in chosen]
    check_without_mutants(build_folder, tested)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutant, noticed in zip(tested,
                                   pool.map(lambda m: noticed_by(build_folder, m), tested)):
            mutant["noticed_by"] = noticed
            print(f"{mutant['number']:3} {mutant['file']}: {mutant['original']} -> "
                  f"{mutant['mutated']}\n      {noticed or 'SURVIVED'}", flush=True)
    survivors = [m for m in tested if not m["noticed_by"]]
    out = options.out or build_folder / "mutants.json"
    out.write_text(json.dumps({"mutants": len(tested), "noticed": len(tested) - len(survivors),
                               "list": tested}, indent=1) + "\n")
    print(f"{len(tested) - len(survivors)} of {len(tested)} noticed, {out}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
