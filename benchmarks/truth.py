"""Measures what the results rest on: images, decoding, routing, exports, tests. Writes truth.json.

usage: benchmarks/truth.py BUILD_FOLDER OBJECTS RUN [MUTANTS.json]
OBJECTS: a folder of meshes (the bar was set on 63 objects of 586 components); the extraction of their
exact distances takes about ten minutes. RUN: runs/quickstart, from where scripts/quickstart.sh made it;
decoding is timed with its VAE. MUTANTS.json: what scripts/mutants.py wrote. The bars of the quickstart
itself are taken from quickstart.json.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from provenance import bar, provenance

RESULT = pathlib.Path(__file__).parent / "results" / "truth.json"
SCIENCE = ("ops", "nn", "vae", "image_encoder", "dit", "flow", "data", "generation", "training",
           "evaluation", "experiment", "parity", "mesh")


def run_tests(build, name, pattern="*", shared=None):
    """The tests of one program as GoogleTest's JSON tells them."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "tests.json"
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        if shared is not None:
            environment["MOCA_SHARED"] = shared
        subprocess.run([build / "tests" / f"moca_{name}_test", "--gtest_brief=1",
                        f"--gtest_filter={pattern}", f"--gtest_output=json:{output}"],
                       env=environment, check=False, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        suites = json.loads(output.read_text())["testsuites"]
    return [test for suite in suites for test in suite["testsuite"]]


def json_of(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def share_passed(build, name, pattern):
    tests = run_tests(build, name, pattern)
    passed = [test for test in tests if test["result"] == "COMPLETED" and "failures" not in test]
    return len(passed) / len(tests) if tests else 0.0


def skipped_without_shared(build):
    """Tests of the science core that skip where no reference files are. A test of upstream's tensors
    does not count: the same test runs on the golden ones beside it. Reading real mesh files is not
    the science core, and tests of a GPU skip for want of one."""
    return [f"{name}: {test['classname']}.{test['name']}" for name in SCIENCE
            for test in run_tests(build, name, "-*SharedFile*:MeshFolder*:OnAGpu*", shared="/nonexistent")
            if test["result"] == "SKIPPED" and not test["name"].endswith("upstream")]


def loader_error(build):
    test, = run_tests(build, "pretrained", "PlainModels.LoadEveryKindOfDitAndComputeWhatWeDo")
    return float(test["worst"])


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    thin = json_of(build / "benchmarks" / "moca_thin_components_benchmark", sys.argv[2])
    decoding = json_of(build / "benchmarks" / "moca_decode_cost_benchmark", sys.argv[3])
    lost = sorted(set(thin["slope"]["names"]) - set(thin["dense"]["names"]))
    skipped = skipped_without_shared(build)
    bars = [
        bar("tests passed: touching boxes give the same image as one component",
            share_passed(build, "mesh", "Renderer.ShowsTheSameImage*"), "==", 1.0),
        bar(f"empty components that the dense lattice finds, of {thin['components']}", len(lost),
            "==", 0),
        bar("CPU time of decoding, by the field's slope / by sign changes alone", decoding["ratio"],
            "<=", 1.5),
        bar("tests passed: importance in float under autocast, 10,000 of 10,000 rows select alike in "
            "any order", share_passed(build, "dit", "Router.SelectsTheSameOthers*"), "==", 1.0),
        bar("tests passed: `sample --weights` gives the bytes of `sample --run`, dense and MoCA",
            share_passed(build, "commands", "Commands.AnExportSamplesTheBytesOfItsRun"), "==", 1.0),
        bar("largest error of the plain loader / largest velocity", loader_error(build), "<=", 5e-6),
        bar("tests of the science core that skip without the reference files", len(skipped), "==", 0),
    ]
    quickstart = json.loads((RESULT.parent / "quickstart.json").read_text())
    bars += [line | {"name": f"quickstart: {line['name']}"} for line in quickstart["bars"]]
    further = {"skipped": skipped, "empty": thin, "decoding": decoding,
               "quickstart_revision": quickstart["revision"]}
    if len(sys.argv) == 5:
        mutants = json.loads(pathlib.Path(sys.argv[4]).read_text())["list"]
        survivors = [f"{mutant['number']}: {mutant['file']}: {mutant['mutated']}"
                     for mutant in mutants if not mutant["noticed_by"]]
        bars += [bar("mutants", len(mutants), ">=", 60),
                 bar("mutants that no test notices", len(survivors), "==", 0)]
        further["survivors"] = survivors
    result = {**provenance("what results rest on: images, decoding, routing, exports, tests",
                           "benchmarks/truth.py BUILD_FOLDER OBJECTS RUN MUTANTS.json"),
              "bars": bars, **further}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for line in bars:
        print(f"{line['name']}: {line['value']} ({line['relation']} {line['bar']})")


if __name__ == "__main__":
    main()
