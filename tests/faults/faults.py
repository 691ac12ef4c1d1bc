"""Disturbs real training runs and counts what they survive.

usage: .venv/bin/python tests/faults/faults.py BUILD_FOLDER [--long] [CHECK ...]

Without --long a few cases of every check, in a few minutes; with it all of them, and the results go
to benchmarks/results/faults.json. No CHECK: all. Every case also asserts that its fault happened.
"""

import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

from lab import DIT_CONFIG, ROOT, SIGNALS, Lab, is_whole, send

sys.path.append(str(ROOT / "benchmarks"))
from provenance import bar, provenance  # noqa: E402 (found by the line above)


class Skipped(Exception):
    """A case that cannot be tried here."""


class Failure(Exception):
    """A case that did not go as it must."""


def expect(truth, *what):
    if not truth:
        raise Failure(" ".join(map(str, what))[-2000:])


def some(cases, number):
    """`number` of the cases, spread over all of them."""
    cases = list(cases)
    return cases if len(cases) <= number else [
        cases[round(i * (len(cases) - 1) / (number - 1))] for i in range(number)]


def resumed_equals(lab, name, reference, runs=None, **more):
    again = lab.train(name, "--resume", runs=runs, **more)
    expect(again.returncode == 0, "resume:", again.stdout)
    expect(lab.result(name, runs) == reference, "another result than the undisturbed run")
    return again.stdout


def kill_in_checkpoint(lab, long):
    """Killed before every write, fsync, rename, mkdir and removal of its second checkpoint."""
    counted = lab.path / "count"
    run = lab.train("counted", env=lab.faults(COUNT=counted))
    calls = int(counted.read_text())
    expect(run.returncode == 0 and calls > 100, run.stdout, calls)
    per_checkpoint = calls // 4  # of 40 steps
    reference = lab.reference()
    for call in some(range(per_checkpoint, 2 * per_checkpoint), 60 if long else 6):
        def case(call=call):
            name = f"kill_at_{call}"
            killed = lab.train(name, env=lab.faults(KILL_AT=call))
            expect(killed.returncode == -signal.SIGKILL, "not killed:", killed.stdout)
            resumed_equals(lab, name, reference)
            shutil.rmtree(lab.runs / name)
        yield f"call {call}", case


def damaged_checkpoint(lab, long):
    """The newest checkpoint cut short, with a flipped bit, without a file, with a wrong manifest."""
    reference = lab.reference()
    lab.train("whole")
    newest = pathlib.Path("checkpoints/step_00000040")
    sizes = {file.name: file.stat().st_size for file in (lab.runs / "whole" / newest).iterdir()}

    def cut(name, length):
        def spoil(folder):
            with open(folder / name, "r+b") as file:
                file.truncate(length)
        return f"{name} cut to {length} bytes", spoil

    def flip(name, place):
        def spoil(folder):
            data = bytearray((folder / name).read_bytes())
            data[place] ^= 1 << place % 8
            (folder / name).write_bytes(data)
        return f"{name} flipped at {place}", spoil

    def missing(name):
        return f"{name} missing", lambda folder: (folder / name).unlink()

    def other_manifest(folder):
        shutil.copy(folder.parent / "step_00000030" / "manifest.json", folder)

    draw = random.Random(1)
    names = sorted(sizes)
    spoils = [cut(name, draw.randrange(sizes[name])) for name in names for _ in range(20)]
    spoils += [flip(name, draw.randrange(sizes[name])) for name in names for _ in range(40)]
    spoils += [missing(name) for name in names] + [("manifest of step 30", other_manifest)]
    for how, spoil in spoils if long else some(spoils, 8):
        def case(spoil=spoil):
            shutil.copytree(lab.runs / "whole", lab.runs / "damaged")
            spoil(lab.runs / "damaged" / newest)
            try:
                said = resumed_equals(lab, "damaged", reference)
                expect("is damaged and not used" in said, "not noticed:", said)
                aside = lab.runs / "damaged/checkpoints/damaged_step_00000040"
                expect(aside.is_dir(), "not set aside:", said)
            finally:
                shutil.rmtree(lab.runs / "damaged")
        yield how, case


def full_disk(lab, long):
    """Runs on small file systems, from one that holds nothing to one that holds all."""
    reference = lab.reference()
    lab.train("sized")
    needed = sum(file.stat().st_size for file in (lab.runs / "sized").rglob("*") if file.is_file())
    disk = lab.path / "disk"
    disk.mkdir(exist_ok=True)

    def mount(*options):
        return subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(disk)]).returncode == 0

    sizes = [4096 + int(1.5 * needed) * i // 31 for i in range(32)]
    for size in sizes if long else some(sizes, 5):
        def case(size=size):
            if not mount("-o", f"size={size}"):
                raise Skipped("only root mounts the small file systems this takes")
            try:
                run = lab.train("full", runs=disk)
                folders = list((disk / "full/checkpoints").glob("step_*"))
                expect(all(map(is_whole, folders)), "half a checkpoint:", run.stdout)
                if run.returncode == 0:
                    expect(lab.result("full", disk) == reference, "another result")
                    return
                expect(run.returncode == 2 and str(disk) in run.stdout, run.returncode, run.stdout)
                expect("bytes" in run.stdout or "No space left" in run.stdout, run.stdout)
                expect(mount("-o", "remount,size=64m"), "no tmpfs can be enlarged here")
                if (disk / "full/config.yaml").exists():
                    resumed_equals(lab, "full", reference, runs=disk)
            finally:
                subprocess.run(["umount", str(disk)], check=True)
        yield f"{size} bytes", case


def killed_worker(lab, long):
    """A random one of two processes under torchrun is killed at a random moment, again and again."""
    kills = 200 if long else 3
    steps = 40 * kills
    draw = random.Random(2)
    more = {"training.max_steps": steps, "training.checkpoint_every": 5, "ranks": 2}
    reference = lab.reference(**more)
    del more["ranks"]
    launcher = lab.launch("soak", 2, 10 * kills, **more)
    done = 0
    for number in range(kills):
        def case():
            nonlocal done
            expect(lab.wait_until(lambda: len(lab.workers_of(launcher)) == 2), "no workers:",
                   (lab.path / "soak.log").read_text())
            time.sleep(draw.uniform(0.0, 1.5))
            victims = lab.workers_of(launcher)
            expect(victims, "the run ended before its", number + 1, "kills")
            victim = draw.choice(victims)
            expect(send(victim, signal.SIGKILL), "the victim was gone")
            expect(lab.wait_until(lambda: victim not in lab.workers_of(launcher)), "not killed")
            done += 1
        yield f"kill {number + 1}", case

    def ended():
        expect(launcher.wait(timeout=1800) == 0, (lab.path / "soak.log").read_text())
        expect(lab.result("soak") == reference, "another result than the undisturbed run")
        expect(done == kills, done, "kills")
    yield "the run's end", ended


# Of half a minute, after the fifth step.
LONG_VALIDATION = {"training.validate_every": 5, "decoder.resolution": 513, "decoder.max_slope": 1000}


def mistake_under_launcher(lab, long):
    """A user's mistake under torchrun is said as it is alone: its line, no stack, exit code 2, and
    the job is not started a third time."""
    def case():
        launcher = lab.launch("mistake", 2, 3, **{"training.batch_size": -1})
        code = launcher.wait(timeout=60)
        output = (lab.path / "mistake.log").read_text()
        expect(code == 2, code, output)
        said = [line for line in output.splitlines() if "training.batch_size" in line]
        expect(1 <= len(said) <= 4 and "Traceback" not in output, output)
    yield "a setting that cannot be", case


def signals(lab, long):
    """SIGTERM and SIGUSR1 to one rank, all ranks or the launcher, in every phase of training."""
    phases = {
        "start": (lambda name: (lab.runs / name / "log.txt").exists(), {}, {}),
        "warm-up": (lambda name: lab.steps_done(name) >= 3, {}, {}),
        "step": (lambda name: lab.steps_done(name) >= 15, {}, {}),
        "save": (lambda name: any((lab.runs / name / "checkpoints").glob(".unfinished*")), {},
                 lab.faults(SLOW_MS=60)),
        "validation": (lambda name: lab.steps_done(name) >= 5, LONG_VALIDATION, {}),
        "sampling": (lambda name: lab.steps_done(name) >= 5, {
            "config": DIT_CONFIG, "vae_run": lab.vae_run(), "training.validate_every": 5,
            "sampler.num_steps": 100000}, {}),
    }
    more = {"training.max_steps": 4000, "training.checkpoint_every": 10,
            "training.optimizer.warmup_steps": 10}
    cases = [(phase, number, target) for phase in phases for number in SIGNALS
             for target in ("one rank", "all ranks", "launcher")]
    for phase, number, target in cases if long else some(cases, 6):
        def case(phase=phase, number=number, target=target):
            ready, settings, env = phases[phase]
            name = f"signal_{phase}_{number}_{target}".replace(" ", "_")
            if target == "launcher":
                launcher = lab.launch(name, 2, 0, **(more | settings))
                expect(lab.wait_until(lambda: ready(name)), "never came to", phase)
                started = time.monotonic()
                send(launcher.pid, SIGNALS[number])
                launcher.wait(timeout=60)
                output = (lab.path / f"{name}.log").read_text()
            else:
                ranks = lab.start(name, ranks=2, env=env, **(more | settings))
                expect(lab.wait_until(lambda: ready(name)), "never came to", phase)
                started = time.monotonic()
                for process in ranks if target == "all ranks" else [ranks[1]]:
                    send(process.pid, SIGNALS[number])
                output = "".join(process.communicate(timeout=60)[0] for process in ranks)
                expect(all(process.returncode == 0 for process in ranks), output)
            expect(time.monotonic() - started < 20, "took longer than 20 s")
            expect("interrupted; a checkpoint was written" in output, output)
            expect(phase not in ("validation", "sampling")
                   or "the validation was cut short" in output, output)
            last = sorted((lab.runs / name / "checkpoints").glob("step_*"))[-1]
            expect(is_whole(last), "no whole checkpoint")
            expect(int(last.name[5:]) < 4000, "the run ended before its signal")
            shutil.rmtree(lab.runs / name)
        yield f"{number} to {target} in {phase}", case


def second_signal(lab, long):
    """A second signal ends the program at once."""
    for number in SIGNALS:
        def case(number=number):
            name = f"twice_{number}"
            (process,) = lab.start(name, env=lab.faults(SLOW_MS=2000),
                                   **{"training.max_steps": 4000})
            expect(lab.wait_until(lambda: lab.steps_done(name) >= 3), "never trained")
            send(process.pid, SIGNALS[number])
            time.sleep(0.5)
            expect(process.poll() is None, "ended after the first")
            started = time.monotonic()
            send(process.pid, SIGNALS[number])
            process.communicate(timeout=30)
            expect(process.returncode == 128 + SIGNALS[number], process.returncode)
            expect(time.monotonic() - started < 0.5, "not at once")
        yield number, case


def hanging_worker(lab, long):
    """One of two processes hangs, in a step, its loader, a validation or a save: the run ends within
    its limit and five seconds, and says which rank waited in which phase for what."""
    limit = 3
    # Who is stopped (SIGSTOP) or has a disk that takes forever, who tells, and what.
    cases = [("loader", 1, None, 1, {}, lab.faults(PATH="/shard_", STUCK_READ=200, RANK=1),
              "in phase 'loading of step ")]
    cases += [("step", after, 1, 0, {}, {}, "all_reduce '") for after in (8, 1, 15, 22)]
    cases += [("validation", 5, 0, 1, LONG_VALIDATION, {}, "in phase 'validation of step 5'"),
              ("save", 19, None, 0, {}, lab.faults(SLOW_MS=600000),
               "in phase 'save of step 20'")]
    for phase, after, stopped, teller, settings, env, said in cases if long else cases[:2]:
        def case(phase=phase, after=after, stopped=stopped, teller=teller, settings=settings,
                 env=env, said=said):
            name = f"hang_in_{phase}_{after}"
            ranks = lab.start(name, ranks=2, env=env,
                              **{"training.hang_seconds": limit, "training.max_steps": 4000} | settings)
            expect(lab.wait_until(lambda: lab.steps_done(name) >= after), "never trained")
            if stopped is not None:
                send(ranks[stopped].pid, signal.SIGSTOP)
            taken = lab.last_step_before_end(name, ranks[teller])
            for process in ranks:
                process.kill()
            output = [process.communicate()[0] for process in ranks][teller]
            expect(ranks[teller].returncode not in (0, None, -signal.SIGKILL), output)
            expect(taken < limit + 5, "took", taken, "s")
            expect(f"rank {teller} of 2" in output and said in output, output)
        yield f"{phase}, after step {after}", case


def repeats(lab, long):
    """The same bits from the same settings, again and again."""
    variants = [{}, {"seed": 5}, {"training.precision": "fp32"}, {"training.micro_batches": 6},
                {"training.ema_decay": 0}, {"training.loader_threads": 0},
                {"training.loader_threads": 4}, {"training.optimizer.schedule": "constant"},
                {"vae_training.target": "occupancy"}, {"vae_training.kl_weight": 0},
                {"training.batch_size": 7}, {"vae.num_layers_decoder": 2}]
    for variant in variants if long else variants[:2]:
        def case(variant=variant):
            reference = lab.reference(**variant)
            for number in range(20 if long else 2):
                name = f"repeat_{number}"
                run = lab.train(name, **variant)
                expect(run.returncode == 0, run.stdout)
                expect(lab.result(name) == reference, "repeat", number, "differs")
                shutil.rmtree(lab.runs / name)
        yield str(variant or "as it is"), case


def unit_tests(name, what, program, tests):
    """A check made of tests that disturb a run from inside; `tests`: filter to cases in it."""
    def check(lab, long):
        for filter_, cases in tests.items():
            def case(filter_=filter_):
                run = subprocess.run(
                    [str(lab.program.parent / "tests" / f"moca_{program}_test"),
                     f"--gtest_filter={filter_}"], text=True, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, timeout=600, env=lab.environment())
                expect(run.returncode == 0 and "[  PASSED  ] 0 tests" not in run.stdout, run.stdout)
            yield filter_, case, cases
    check.__name__, check.__doc__ = name, what
    return check


exact_resume = unit_tests(
    "exact_resume", "Resumed runs against uninterrupted ones, bit for bit: ranks x micro-batches x "
    "activation checkpointing x precision x averaging.", "training",
    {f"*ExactResume*/{ranks}_ranks_{count}_micro_batches": 8 for ranks in (1, 2, 3)
     for count in (1, 3)})
not_finite = unit_tests(
    "not_finite", "NaN and infinity in loss, data, one gradient, one rank, weights, ten in a row.",
    "training",
    {"Trainer.SkipsAStepWithoutAFiniteLossAndGoesOn": 2,
     "Trainer.SkipsAStepOnDataThatAreNotFinite": 2,
     "Trainer.SkipsAStepWithOneGradientThatIsNotFinite": 2,
     "DistributedTraining.ALossThatIsNotFiniteOnOneRankIsSkippedByAll": 1,
     "Trainer.DoesNotFollowAFiniteGradientOfALossThatIsNot": 1,
     "Trainer.DoesNotSaveWeightsThatAreNotFinite": 1,
     "Trainer.StopsAfterTenStepsInARowWithoutAFiniteLoss": 1})
rendezvous = unit_tests(
    "rendezvous", "A missing peer, a missing first rank, a port in use, a wrong world size, a rank "
    "that is there twice, a process left over from before a restart.", "distributed",
    {f"ProcessGroup.{name}": 1 for name in (
        "SaysWhichRankDidNotCome", "SaysThatTheFirstRankIsNotThere", "RefusesAPortInUse",
        "RefusesAnotherWorldSize", "RefusesARankThatIsThereTwice",
        "RefusesAProcessLeftOverFromBeforeARestart")})
data_order = unit_tests(
    "data_order", "Ranks {1, 2, 3, 4, 8} x loader threads {0, 1, 4} see one global order.",
    "training",
    {"Prefetcher.RanksTogetherSeeEveryMicroBatchOnceForAnyNumberOfRanksAndThreads": 15})


CHECKS = [exact_resume, not_finite, rendezvous, data_order, kill_in_checkpoint, damaged_checkpoint,
          full_disk, killed_worker, mistake_under_launcher, signals, second_signal, hanging_worker,
          repeats]


def run_check(check, lab, long):
    started, passed, total = time.monotonic(), 0, 0
    for name, case, *cases in check(lab, long):
        count = cases[0] if cases else 1
        total += count
        try:
            case()
            passed += count
        except Skipped as why:
            total -= count
            print(f"{check.__name__}, {name}: skipped, {why}", flush=True)
        except (Failure, subprocess.TimeoutExpired, OSError, IndexError) as failure:
            print(f"{check.__name__}, {name}: {failure}", flush=True)
    seconds = round(time.monotonic() - started, 1)
    print(f"{check.__name__}: {passed} of {total} in {seconds} s", flush=True)
    return {"name": check.__name__, "what": check.__doc__, "passed": passed, "total": total,
            "seconds": seconds}


def record(results):
    """Puts the results among those of the checks that did not run this time."""
    file = ROOT / "benchmarks/results/faults.json"
    before = json.loads(file.read_text())["checks"] if file.exists() else []
    known = {row["name"]: row for row in before}
    known.update({row["name"]: row for row in results})
    checks = [known[check.__name__] for check in CHECKS if check.__name__ in known]
    result = {**provenance("real runs that are killed, cut off, damaged or hang",
                           "tests/faults/faults.py BUILD_FOLDER --long"),
              "bars": [bar(row["name"], row["passed"], "==", row["total"]) for row in checks],
              "checks": checks}
    file.write_text(json.dumps(result, indent=1) + "\n")


def main():
    flags = [argument for argument in sys.argv[1:] if argument.startswith("--")]
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    known = {check.__name__: check for check in CHECKS}
    if not names or set(flags) - {"--long"} or set(names[1:]) - set(known):
        sys.exit(__doc__ + "\nchecks: " + ", ".join(known))
    long = "--long" in flags
    lab = Lab(names[0])
    results = [run_check(known[name], lab, long) for name in names[1:] or known]
    if long:
        record(results)
    sys.exit(any(result["passed"] < result["total"] for result in results))


if __name__ == "__main__":
    main()
