"""A forked child that gets ready, waits to be let go, and answers, unless it is killed."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from typing import Any


class Child:
    """Runs ``work(ready)``: it calls ``ready`` where it wants to wait."""

    def __init__(self, work: Callable[[Callable[[], None]], Any]) -> None:
        up, down = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(up[0])
            os.close(down[1])
            self._run(work, up[1], down[0])
        os.close(up[1])
        os.close(down[0])
        self._answers, self._orders = up[0], down[1]

    def _run(self, work: Callable[[Callable[[], None]], Any], answers: int, orders: int) -> None:
        def ready() -> None:
            os.write(answers, b"r")
            os.read(orders, 1)

        try:
            answer = json.dumps(work(ready)).encode()
            while answer:
                answer = answer[os.write(answers, answer) :]
            os._exit(0)
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run on in the child
            traceback.print_exc()
        finally:
            os._exit(1)

    def wait_ready(self) -> None:
        assert os.read(self._answers, 1) == b"r"

    def go(self) -> Any:
        """Its answer; None if it was killed before it had one."""
        os.write(self._orders, b"g")
        os.close(self._orders)
        with os.fdopen(self._answers) as pipe:
            text = pipe.read()
        os.waitpid(self.pid, 0)
        try:
            return json.loads(text)
        except ValueError:
            return None
