#!/usr/bin/env python3
"""Runs the commands of README and docs as a user types them, made small.

usage: tests/documented_commands.py BUILD

Every line of a fenced bash block and every command with arguments in backticks has an entry below:
what is run for it, or why nothing is. The commands run twice, with nothing but what plain
`scripts/setup.sh` installs: from the checkout, and from another folder. A command without an entry
fails, and so does an entry without a command.
"""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "configs/README.md", "benchmarks/README.md",
             *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]
PROGRAM = re.compile(r"(build/)?moca |scripts/\S+ |benchmarks/\S+ |tests/\S+ |\.venv/bin/python |"
                     r"srun |mpirun |sbatch |tar |tensorboard ")
TIME_LIMIT = 120  # seconds of one command

SMALL = "data.procedural.num_assets=2 data.num_held_out=1"
# Of what scripts/quickstart.sh does: the commands that others build on.
QUICKSTART = [
    f"build/moca prepare-data configs/quickstart_vae.yaml {SMALL}",
    f"build/moca train configs/quickstart_vae.yaml training.max_steps=2 {SMALL}",
]
BENCHMARK = ("--components 1,2 --width 32 --heads 2 --blocks 2 --tokens 8 --compressed 2 --rounds 1")
HELD_OUT = "--image runs/tutorial/evaluation/chair_03/image.png --components 6"
IMAGE = "--image runs/tiny/evaluation/0000_chair/image.png"

# In the order in which they build on one another: what is run for a command of the documents.
RUN = {
    "build/moca prepare-data configs/tiny_vae.yaml": None,  # as it is
    "build/moca train configs/tiny_vae.yaml": None,
    "build/moca train configs/tiny_object_512.yaml": None,
    "build/moca convert-weights runs/tiny_object_512 models/tiny_object_512": None,
    "build/moca train configs/tiny_object_1024.yaml": None,
    "build/moca convert-weights runs/tiny_object_1024 models/tiny_object_1024": None,
    "build/moca train configs/tiny_scene_1024.yaml": None,
    "moca prepare-data CONFIG":
        "build/moca prepare-data configs/tiny_vae.yaml data.path=datasets/another",
    "build/moca train CONFIG --dry-run": "build/moca train configs/tiny.yaml --dry-run",
    "moca train CONFIG": "build/moca train configs/tiny.yaml",
    "moca train CONFIG [--resume]": "build/moca train configs/tiny.yaml --resume",
    "moca train CONFIG --resume": "build/moca train runs/tiny/config.yaml --resume",
    "moca train CONFIG --resume training.max_steps=80000":
        "build/moca train runs/tiny/config.yaml --resume training.max_steps=25",
    "moca evaluate RUN": "build/moca evaluate runs/tiny",
    "moca report RUN": "build/moca report runs/tiny",
    "moca sample --run RUN --image FILE --components N":
        f"build/moca sample --run runs/tiny {IMAGE} --components 2 --out of_run",
    "moca sample --run RUN --image FILE --component-map PNG":
        f"build/moca sample --run runs/tiny_scene_1024 {IMAGE} --component-map map.png --out scene",
    "moca metrics PREDICTION REFERENCE":
        "build/moca metrics tests/golden/meshes/boxes.obj tests/golden/meshes/table.obj "
        "num_points=1000",
    "moca convert-weights RUN FOLDER": "build/moca convert-weights runs/tiny exported",
    "moca convert-weights RUN models/NAME": "build/moca convert-weights runs/tiny models/tiny",
    "build/moca convert-weights runs/my_run models/my_run":
        "build/moca convert-weights runs/tiny models/my_run",
    "moca sample --weights FOLDER --image FILE --components N":
        f"build/moca sample --weights exported {IMAGE} --components 2 --out of_weights",
    "build/moca sample --weights FOLDER --image image.png --components 4":
        f"build/moca sample --weights exported {IMAGE} --components 4 --out of_four",
    "build/moca sample --weights FOLDER --image image.png --components 4 --precision bf16 "
    "sampler.num_steps=20":
        f"build/moca sample --weights exported {IMAGE} --components 4 --precision bf16 "
        "sampler.num_steps=2 --out of_bf16",
    "moca verify FIXTURE...": "build/moca verify tests/golden/fps.safetensors",
    "build/moca verify FIXTURE.safetensors ...": "build/moca verify tests/golden/ops.safetensors",
    "build/moca verify tests/golden/*.safetensors":
        "build/moca verify tests/golden/scheduler.safetensors tests/golden/fps.safetensors",
    "moca settings": "build/moca settings",
    "moca settings --markdown": "build/moca settings --markdown",
    "moca benchmark attention": f"build/moca benchmark attention {BENCHMARK}",
    "moca benchmark forward": f"build/moca benchmark forward {BENCHMARK}",
    "build/moca benchmark forward": f"build/moca benchmark forward {BENCHMARK} --json f.json",
    "moca benchmark attention|forward|step": f"build/moca benchmark step {BENCHMARK}",
    "scripts/launch.sh 8 CONFIG":
        "scripts/launch.sh 2 configs/tiny_vae.yaml name=of_two training.micro_batches=2 "
        "training.max_steps=2",
    "scripts/launch.sh 8 CONFIG [section.key=value ...]":
        "scripts/launch.sh 2 runs/of_two/config.yaml --resume",
    ".venv/bin/python scripts/torchrun.py --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d "
    "--rdzv-endpoint HOST:PORT --no-python build/moca train CONFIG":
        ".venv/bin/python scripts/torchrun.py --nnodes 1 --nproc-per-node 2 --rdzv-backend c10d "
        "--rdzv-endpoint localhost:0 --no-python build/moca train configs/tiny_vae.yaml "
        "name=torchrun training.micro_batches=2 training.max_steps=2",
    "build/moca train configs/quickstart.yaml name=dense dit.global_attention=dense":
        "build/moca train configs/quickstart.yaml name=dense dit.global_attention=dense "
        f"training.max_steps=1 {SMALL}",
    "build/moca train configs/quickstart.yaml name=same_pairs dit.global_attention=dense "
    "dit.dense_tokens=same_pairs data.max_components=8":
        "build/moca train configs/quickstart.yaml name=same_pairs dit.global_attention=dense "
        f"dit.dense_tokens=same_pairs data.max_components=8 training.max_steps=1 {SMALL}",
    "python3 examples/tutorial/make_meshes.py datasets/tutorial_meshes": None,
    "build/moca prepare-data examples/tutorial/tutorial_vae.yaml": None,
    "build/moca train examples/tutorial/tutorial_vae.yaml --dry-run": None,
    "build/moca train examples/tutorial/tutorial_vae.yaml":
        "build/moca train examples/tutorial/tutorial_vae.yaml training.max_steps=2",
    "build/moca train examples/tutorial/tutorial.yaml":
        "build/moca train examples/tutorial/tutorial.yaml training.max_steps=2",
    "build/moca evaluate runs/tutorial":
        "build/moca evaluate runs/tutorial sampler.num_steps=1 decoder.resolution=17 "
        "decoder.coarse_resolution=17 evaluation.metrics.num_points=500",
    "build/moca report runs/tutorial": None,
    f"build/moca sample --run runs/tutorial {HELD_OUT} --out runs/tutorial/samples/chair_03":
        f"build/moca sample --run runs/tutorial {HELD_OUT} --out runs/tutorial/samples/chair_03 "
        "sampler.num_steps=1 decoder.resolution=17 decoder.coarse_resolution=17",
    "build/moca metrics runs/tutorial/samples/chair_03/asset.glb datasets/tutorial_meshes/chair_03.obj "
    "renormalise_prediction=true": None,
    "build/moca train configs/quickstart.yaml name=no_stochastic dit.router.stochastic=false":
        "build/moca train configs/quickstart.yaml name=no_stochastic dit.router.stochastic=false "
        f"training.max_steps=1 {SMALL}",
}

A_MEASUREMENT = "minutes of measuring; benchmarks/README.md says which program"
NOT_RUN = {
    "scripts/quickstart.sh": "half an hour; its commands are run here, smaller",
    "scripts/test.sh": "this test is a part of it",
    "moca count FILE": "a subcommand that docs/extending.md adds",
    "scripts/test.sh extend": "a step of scripts/test.sh by itself",
    "scripts/setup.sh": "installs; scripts/test.sh begins with its longer form",
    "scripts/test.sh build unit": "this test is a part of it",
    "scripts/setup.sh --tests": "installs; scripts/test.sh begins with it",
    "scripts/build.sh build moca moca_nccl": "needs a GPU and its compiler",
    "scripts/test.sh bundle": "a step of scripts/test.sh by itself",
    "scripts/bundle.sh": "a part of the same",
    "tar xf moca-bundle.tar.xz": "of scripts/bundle.sh",
    "scripts/gpu_first_run.sh moca-bundle results kernels parity": "needs a GPU",
    "benchmarks/gpu.py FOLDER": "needs a GPU",
    "build/tests/stand_in/moca_stand_in train configs/tiny_vae.yaml device=cuda":
        "the tests of the stand-in device do it",
    "MOCA_TEST_DEVICE=stand_in build/tests/stand_in/moca_ops_on_stand_in_test": "a test of its own",
    "tests/stand_in/first_run.sh build parity tiny": "a test of its own",
    "moca benchmark attention|forward|step --device cuda": "needs a GPU",
    "moca verify --device cuda": "needs a GPU",
    "srun build/moca train CONFIG": "needs Slurm",
    "mpirun -np 8 build/moca train CONFIG": "needs MPI",
    "tensorboard --logdir runs": "a server of another project",
    "scripts/mutants.py": "hours; ctest checks its list",
    "scripts/mutants.py --only 12,57": "hours; ctest checks its list",
    "scripts/build.sh build": "builds all of it; the tests were built so",
    "scripts/build.sh build moca": "a part of the same",
    "scripts/build.sh build moca_torch_ops": "a part of the same",
    "python3 examples/pytorch/part_attention.py build/libmoca_ops.so":
        "tests/torch_ops/operators_test.py runs it, where only torch's own wheel is installed too",
    "benchmarks/vae_decode.py build": A_MEASUREMENT,
    "benchmarks/full_size.py build FOLDER": A_MEASUREMENT,
    "benchmarks/attention_cpu.py build": A_MEASUREMENT,
    "benchmarks/training_step_cpu.py build": A_MEASUREMENT,
    "benchmarks/overheads_cpu.py build": A_MEASUREMENT,
    "benchmarks/forward_cpu.py build": A_MEASUREMENT,
    "benchmarks/forward_cpu.py build growth": A_MEASUREMENT,
    "benchmarks/memory_estimate.py build": A_MEASUREMENT,
    "benchmarks/truth.py build OBJECTS RUN MUTANTS.json": A_MEASUREMENT,
    "benchmarks/house.py --ci LOG": A_MEASUREMENT,
    "benchmarks/device.py build BEFORE": A_MEASUREMENT,
    "benchmarks/inputs.py build --before PROGRAM --fuzzed LOG --commands LOG": A_MEASUREMENT,
    ".venv/bin/python example.py scripts models/my_run SAMPLE_FOLDER/latents.safetensors "
    "field.safetensors": "moca_pretrained_test runs it, it needs --tests",
    "tests/faults/faults.py build --long": "hours; scripts/test.sh faults runs its short form",
}


def commands_of(text):
    """The commands of a document, without comments."""
    commands = []
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        commands += [line.split(" #")[0].strip() for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for span in re.findall(r"`([^`]+)`", prose):
        command = " ".join(span.replace("\\|", "|").split())
        is_mention = command.startswith("moca ") and len(command.split()) == 2
        if PROGRAM.match(command) and (command in RUN or not is_mention):
            commands.append(command)
    return [command for command in commands if command]


def check_entries():
    found = {command for name in DOCUMENTS for command in commands_of((ROOT / name).read_text())}
    entries = set(RUN) | set(NOT_RUN)
    mistakes = [f"no entry for the documented command: {command}" for command in found - entries]
    mistakes += [f"an entry for a command that is in no document: {entry}"
                 for entry in entries - found]
    return sorted(mistakes)


def packages_of_plain_setup():
    """The Python packages that scripts/setup.sh installs without --tests."""
    text = (ROOT / "scripts/setup.sh").read_text()
    names = re.search(r"^torch_python=\((.*?)\)", text, re.DOTALL | re.MULTILINE)[1].split()
    return ["torch", "nvidia_cuda_runtime", "nvidia_cuda_cupti",
            *(name.split("==")[0] for name in names)]


def make_checkout(folder, build):
    """A checkout after plain scripts/setup.sh and a build: this one, with fewer Python packages."""
    for entry in ROOT.iterdir():
        if entry.name in ("src", "include", "configs", "scripts", "tests", "tools", "docs",
                          "benchmarks", "examples", "third_party") or entry.is_file():
            (folder / entry.name).symlink_to(entry)
    (folder / "build").symlink_to(build)
    python = ROOT / ".venv/bin/python"
    subprocess.run([python, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    (theirs,) = (ROOT / ".venv/lib").glob("python3*/site-packages")
    (ours,) = (folder / ".venv/lib").glob("python3*/site-packages")
    for package in packages_of_plain_setup():
        (info,) = theirs.glob(f"{package}-*.dist-info")
        files = (line.split(",")[0] for line in (info / "RECORD").read_text().splitlines())
        for name in {file.split("/")[0] for file in files} - {"..", "__pycache__"}:
            if (theirs / name).exists() and not (ours / name).exists():
                (ours / name).symlink_to(theirs / name)


def write_map(path, side=16):
    """A component map: the left half is component 0, the right half component 1."""
    row = b"\0" + bytes([1] * (side // 2) + [2] * (side - side // 2))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    path.write_bytes(b"\x89PNG\r\n\x1a\n"
                     + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(row * side)) + chunk(b"IEND", b""))


def run_all(checkout, folder):
    """Runs every command in `folder`; returns how many failed."""
    write_map(folder / "map.png")
    failed = 0
    for command in [*QUICKSTART, *(typed or documented for documented, typed in RUN.items())]:
        if folder != checkout:
            command = re.sub(r"(?<!\S)(build|configs|examples|scripts|tests|\.venv)/",
                             rf"{checkout}/\1/", command)
        start = time.monotonic()
        done = subprocess.run(["bash", "-c", command], cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TIME_LIMIT,
                              env=os.environ | {"OMP_NUM_THREADS": "1"})
        print(f"{time.monotonic() - start:6.1f} s  {command}", flush=True)
        if done.returncode != 0:
            failed += 1
            print(f"FAILED with status {done.returncode} in {folder}:\n{done.stdout}", flush=True)
    return failed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    mistakes = check_entries()
    print("\n".join(mistakes))
    with tempfile.TemporaryDirectory() as temporary:
        checkout, elsewhere = (pathlib.Path(temporary) / name for name in ("checkout", "elsewhere"))
        for folder in (checkout, elsewhere):
            folder.mkdir()
        make_checkout(checkout, pathlib.Path(sys.argv[1]).resolve())
        failed = sum(run_all(checkout, folder) for folder in (checkout, elsewhere))
        shutil.rmtree(checkout / ".venv")
    print(f"{2 * (len(RUN) + len(QUICKSTART))} commands, {failed} failed; "
          f"{len(NOT_RUN)} are not run")
    sys.exit(1 if failed or mistakes else 0)


if __name__ == "__main__":
    main()
