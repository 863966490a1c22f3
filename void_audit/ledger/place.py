"""Whether a folder is a place where a database can keep its promises."""

from __future__ import annotations

import re
from pathlib import Path

from void_audit.errors import StorageError

MOUNTS = Path("/proc/self/mountinfo")
"""Linux lists its mounts here (proc(5)); elsewhere the file is missing and nothing is refused."""

NETWORK = {
    "9p", "acfs", "afpfs", "afs", "autofs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "wekafs",
}  # fmt: skip
"""Types whose memory is not shared between machines, or that belong to another machine; ``autofs`` is one that
could not be mounted."""

LOCAL_FUSE = {"fuse.fuse-overlayfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.ext2", "fuse.ext4", "fuse.zfs"}
"""File systems in user space that lie on a disk here. All others may be anything, buckets for instance."""


def refuse_network(folder: Path) -> None:
    """SQLite's write-ahead log needs memory shared between processes, which network shares do not give.

    ``overlay`` and ``tmpfs`` are let through: containers and trials live on them, and a commit there is as durable
    as everything else in them.

    Raises:
        StorageError: ``database-not-durable``.
    """
    kind, source = _mount_of(folder)
    strange = kind.startswith("fuse.") and kind not in LOCAL_FUSE
    # Types that are not known yet, too, name a share as HOST:/PATH or //HOST/SHARE.
    if kind in NETWORK or strange or source.startswith("//") or ":/" in source:
        raise StorageError(
            "database-not-durable",
            f"{folder} lies on a network share ({kind}), where commits are not durable.",
            "Put the ledger on a local disk, or into PostgreSQL.",
        )


def filesystem_of(folder: Path) -> str | None:
    """Type of the file system under ``folder``, or None where that cannot be told."""
    return _mount_of(folder)[0] or None


def _mount_of(folder: Path) -> tuple[str, str]:
    """Type and source of the innermost mount above ``folder``; links are followed. Empty where not known."""
    place, point, found = folder.resolve(), Path(), ("", "")  # resolving comes first: it may mount something
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return found
    for line in lines:
        mount, _, after = line.partition(" - ")
        where, what = mount.split(" "), after.split(" ")
        if len(where) < 5 or len(what) < 2:
            continue
        here = Path(_unescaped(where[4]))
        if place.is_relative_to(here) and len(here.parts) >= len(point.parts):  # a later one hides an earlier
            point, found = here, (what[0], _unescaped(what[1]))
    return found


def _unescaped(text: str) -> str:
    """Blanks and backslashes are written as octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)
