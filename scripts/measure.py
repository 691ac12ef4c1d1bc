"""Runs a command and, where it succeeds, writes how long it took and its peak memory to a file.

usage: scripts/measure.py RECORD.json COMMAND [ARGUMENT ...]
       scripts/measure.py --summary FOLDER       adds up the records of a folder
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time


def run(record, command):
    """The command's exit code; 130 after Ctrl-C, so that a script around it stops too."""
    signals = []
    child = None

    def pass_on(number, _frame):
        signals.append(number)
        # The terminal sends Ctrl-C to the child itself; anything else reaches only this process.
        if child is not None and number != signal.SIGINT:
            child.send_signal(number)

    signal.signal(signal.SIGINT, pass_on)
    signal.signal(signal.SIGTERM, pass_on)
    started = time.monotonic()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0 and not signals:
        figures = {
            "command": " ".join(command),
            "seconds": round(time.monotonic() - started, 1),
            "peak_memory_gib": round(usage.ru_maxrss / 2**20, 3),
        }
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(figures) + "\n")
    if signals:
        return 128 + signals[0]
    return code if code >= 0 else 128 - code


def summarise(folder):
    """Prints one line per record and the three figures of benchmarks/results/quickstart.json."""
    records = {}
    for file in sorted(folder.glob("*.json"), key=lambda f: f.stat().st_mtime_ns):
        if file.name != "summary.json":
            records[file.stem] = json.loads(file.read_text())
    for name, figures in records.items():
        minutes = figures["seconds"] / 60
        print(f"  {name:14} {minutes:6.1f} min {figures['peak_memory_gib']:6.2f} GiB")
    training = sum(f["seconds"] for name, f in records.items() if name.startswith("train"))
    summary = {
        "total_minutes": round(sum(f["seconds"] for f in records.values()) / 60, 2),
        "train_minutes": round(training / 60, 2),
        "peak_memory_gib": max((f["peak_memory_gib"] for f in records.values()), default=0),
    }
    (folder / "summary.json").write_text(json.dumps(summary) + "\n")
    print(f"  in all {summary['total_minutes']:.1f} min, of which training "
          f"{summary['train_minutes']:.1f} min; peak memory {summary['peak_memory_gib']:.2f} GiB")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if sys.argv[1] == "--summary":
        summarise(pathlib.Path(sys.argv[2]))
    else:
        sys.exit(run(pathlib.Path(sys.argv[1]), sys.argv[2:]))
