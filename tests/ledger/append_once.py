"""Opens the log in argv[1] and appends two entries: the program whose system calls are made to fail."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest_ledger import Home, envelope

from void_audit.errors import VoidAuditError

try:
    Home(Path(sys.argv[1])).open().append([envelope(7), envelope(8)])
    print("acknowledged")  # noqa: T201
except VoidAuditError as error:
    print(error.code)  # noqa: T201
