"""``void-audit`` with scripted engines, in a process of its own: ``scripted_main.py STAGE WORDS...``.

Before the engine of STAGE works it says so and waits, so that a test can stop it there.
"""

from __future__ import annotations

import signal
import sys
import time

from house import CountingEngines

from void_audit.cli import workspace
from void_audit.cli.main import app


def wait_at(stage: str) -> CountingEngines:
    def wait(name: str) -> None:
        if name == stage:
            print("waiting", flush=True)  # noqa: T201
            time.sleep(60)

    return CountingEngines(wait)


if __name__ == "__main__":
    # A shell that starts its jobs in the background has them ignore the interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    workspace.LocalEngines = lambda *given: wait_at(sys.argv[1])
    app(sys.argv[2:])
