#!/usr/bin/env python3
"""torch's own launcher, also where only torch's wheel is installed and no GPU is.

A job that ends with exit code 2, a user's mistake, before its first step, or twice by the same message,
is not started again: started again it would go on with a run that was there before. No failure of a
process and no signal is followed by Python's stack: the processes have said what happened.

usage: .venv/bin/python scripts/torchrun.py [torchrun's options] --no-python build/moca train ...
"""

import logging
import re
import signal
import sys

from plain_models import cpu_torch  # noqa: F401 (before torch)
from torch.distributed import run
from torch.distributed.launcher import api
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

USER_MISTAKE = 2  # tools/main.cpp
OF_A_STEP = re.compile(r"rank \d+, step \d+")  # how a message of training begins, not one of set-up


class Agent(LocalElasticAgent):
    """Starts the processes, and starts them again, but not after a mistake of the user's."""

    mistakes = frozenset()

    def _monitor_workers(self, worker_group):
        result = super()._monitor_workers(worker_group)
        mistakes = {message_of(failure) for failure in result.failures.values()
                    if failure.exitcode == USER_MISTAKE}
        if mistakes & self.mistakes or any(not OF_A_STEP.match(message) for message in mistakes):
            self._remaining_restarts = 0
        self.mistakes |= mistakes
        return result


def message_of(failure):
    """What the process wrote into its error file (moca::distributed::report_failure)."""
    said = failure.message
    return said["message"] if isinstance(said, dict) else said


def main():
    sys.argv[0] = "torchrun"
    api.LocalElasticAgent = Agent
    for name in ("errors.error_handler", "api"):  # they repeat it in the launcher's words
        logging.getLogger(f"torch.distributed.elastic.multiprocessing.{name}").setLevel("CRITICAL")
    try:
        run.main()
    except SignalException as stopped:  # the processes had it too, and wrote a checkpoint
        sys.exit(128 + signal.SIGINT if stopped.sigval == signal.SIGINT else 0)
    except ChildFailedError as failed:
        rank, first = failed.get_first_failure()
        print(f"torchrun: rank {rank} ended with {what_of(first.exitcode)}.", file=sys.stderr)
        sys.exit(first.exitcode if first.exitcode > 0 else 128 - first.exitcode)


def what_of(exitcode):
    return f"exit code {exitcode}" if exitcode >= 0 else f"signal {-exitcode}"


if __name__ == "__main__":
    main()
