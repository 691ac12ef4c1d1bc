"""A folder in which real runs of moca are disturbed, and what they must end with."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The tiny VAE: a hundred steps a second.
CONFIG = ROOT / "configs" / "tiny_vae.yaml"
DIT_CONFIG = ROOT / "configs" / "tiny.yaml"
SETTINGS = {"training.max_steps": 40, "training.checkpoint_every": 10, "training.log_every": 1,
            "training.keep_checkpoints": 3, "training.micro_batches": 2,
            "training.num_threads": 1, "training.hang_seconds": 20}


def crc32c(data):
    table = crc32c.table
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


crc32c.table = _table()


def is_whole(checkpoint):
    """Whether every file of a checkpoint is there with the bytes that its manifest names."""
    try:
        manifest = json.loads((checkpoint / "manifest.json").read_text())
        for name, sums in manifest["files"].items():
            data = (checkpoint / name).read_bytes()
            if len(data) != sums["bytes"] or f"{crc32c(data):08x}" != sums["crc32c"]:
                return False
        return int(checkpoint.name.removeprefix("step_")) == manifest["step"]
    except (OSError, ValueError, KeyError):
        return False


class Lab:
    """Runs of one program on one tiny dataset."""

    def __init__(self, build):
        self.program = pathlib.Path(build).resolve() / "moca"
        self.folder = tempfile.TemporaryDirectory(prefix="moca_faults_")
        self.path = pathlib.Path(self.folder.name)
        self.runs = self.path / "runs"
        self.preload = self.path / "calls.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(self.preload),
                        str(ROOT / "tests/faults/calls.c"), "-ldl"], check=True)
        self.moca("prepare-data", CONFIG, f"data.path={self.path / 'data'}")
        self.references = {}

    def settings(self, name, runs=None, config=CONFIG, **more):
        wanted = SETTINGS | {"name": name, "runs_folder": runs or self.runs,
                             "data.path": self.path / "data"} | more
        return [str(config)] + [f"{key}={value}" for key, value in wanted.items()]

    def environment(self, **more):
        return os.environ | {"OMP_NUM_THREADS": "1"} | {k: str(v) for k, v in more.items()}

    def faults(self, PATH="/checkpoints", **faults):
        """Variables with which calls.c does its work on files of such a path."""
        return {"LD_PRELOAD": str(self.preload), "FAULT_PATH": PATH,
                **{f"FAULT_{name}": str(value) for name, value in faults.items()}}

    def moca(self, *arguments, env=None, timeout=120):
        return subprocess.run([str(self.program), *map(str, arguments)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                              env=self.environment(**(env or {})))

    def train(self, name, *flags, env=None, runs=None, **more):
        return self.moca("train", *self.settings(name, runs, **more), *flags, env=env)

    def start(self, name, *flags, ranks=1, env=None, **more):
        """The processes of a run that are left to themselves, by rank."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        processes = []
        for rank in range(ranks):
            place = self.environment() if ranks == 1 else self.environment(
                RANK=rank, WORLD_SIZE=ranks, LOCAL_RANK=rank, LOCAL_WORLD_SIZE=ranks,
                MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
            processes.append(subprocess.Popen(
                [str(self.program), "train", *self.settings(name, **more), *flags],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                env=place | (env or {})))
        return processes

    def launch(self, name, ranks, restarts, **more):
        """The same under torchrun, whose processes are children of the one returned."""
        log = open(self.path / f"{name}.log", "w")  # noqa: SIM115 (lives as long as the process)
        return subprocess.Popen(
            [sys.executable, str(ROOT / "scripts/torchrun.py"), "--standalone", "--no-python",
             "--nproc-per-node", str(ranks), "--max-restarts", str(restarts),
             "--monitor-interval", "0.1", "--signals-to-handle", "SIGTERM,SIGINT,SIGUSR1",
             str(self.program), "train", *self.settings(name, **more)],
            stdout=log, stderr=subprocess.STDOUT, env=self.environment())

    def result(self, name, runs=None):
        """Weights of the last checkpoint, and the loss of every step."""
        run = pathlib.Path(runs or self.runs) / name
        steps = sorted((run / "checkpoints").glob("step_*"))
        files = [(steps[-1] / f"{part}.safetensors").read_bytes()
                 for part in ("model", "ema", "optimizer")]
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return steps[-1].name, files, [(line["step"], line["loss"]) for line in lines]

    def reference(self, ranks=1, **more):
        """What an undisturbed run ends with."""
        key = (ranks, *sorted(more.items()))
        if key not in self.references:
            name = f"reference_{len(self.references)}"
            for process in self.start(name, ranks=ranks, **more):
                output, _ = process.communicate(timeout=600)
                assert process.returncode == 0, output
            self.references[key] = self.result(name)
        return self.references[key]

    def vae_run(self):
        """A trained VAE."""
        self.reference()
        return self.runs / f"reference_{list(self.references).index((1,))}"

    def workers_of(self, launcher):
        """Process ids of moca under a launcher."""
        listed = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(launcher.pid)],
                                text=True, stdout=subprocess.PIPE).stdout.splitlines()
        return [int(line.split()[0]) for line in listed if line.split()[1] == "moca"]

    def steps_done(self, name):
        metrics = self.runs / name / "metrics.jsonl"
        return metrics.read_text().count("\n") if metrics.exists() else 0

    def last_step_before_end(self, name, process, timeout=60):
        """Waits until a process has ended; seconds from its last step to its end."""
        deadline = time.monotonic() + timeout
        steps, since = self.steps_done(name), time.monotonic()
        while process.poll() is None and time.monotonic() < deadline:
            if self.steps_done(name) != steps:
                steps, since = self.steps_done(name), time.monotonic()
            time.sleep(0.005)
        return time.monotonic() - since

    def wait_until(self, condition, timeout=60):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True


def send(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGUSR1": signal.SIGUSR1}
