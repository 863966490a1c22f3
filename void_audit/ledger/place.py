"""Whether a folder is a place where a database can keep its promises."""

from __future__ import annotations

import re
from pathlib import Path

from void_audit.errors import StorageError

MOUNTS = Path("/proc/self/mountinfo")
"""Linux lists its mounts here (proc(5)); elsewhere the file is missing and nothing is refused."""

NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs", "lustre"}


def refuse_network(folder: Path) -> None:
    """SQLite's write-ahead log needs memory shared between processes, which network shares do not give.

    Raises:
        StorageError: ``database-not-durable``.
    """
    kind = filesystem_of(folder)
    if kind in NETWORK:
        raise StorageError(
            "database-not-durable",
            f"{folder} lies on a network share ({kind}), where commits are not durable.",
            "Put the ledger on a local disk.",
        )


def filesystem_of(folder: Path) -> str | None:
    """Type of the file system under ``folder``, or None where that cannot be told."""
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    place, found, kind = folder.resolve(), Path(), None
    for line in lines:
        mount, _, after = line.partition(" - ")
        point = Path(_unescaped(mount.split(" ")[4]))
        if place.is_relative_to(point) and len(point.parts) >= len(
            found.parts
        ):  # a later mount hides an earlier
            found, kind = point, after.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    """Blanks and backslashes are written as octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)
