from __future__ import annotations

from pathlib import Path

import pytest
from conftest_ledger import Home

from void_audit.errors import StorageError
from void_audit.ledger import database as databases
from void_audit.ledger import place
from void_audit.ledger.database import DATABASE
from void_audit.ledger.log import Ledger
from void_audit.ledger.sqlite import SqliteDatabase

MOUNTINFO = r"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:26 / /tmp rw shared:9 - tmpfs tmpfs rw
31 22 0:40 / /mnt/the\040share rw - nfs4 server:/export rw,vers=4.2
32 31 254:2 / /mnt/the\040share/local rw - xfs /dev/vdb rw
33 30 0:41 / /tmp/cifs rw - tmpfs tmpfs rw
34 30 0:42 / /tmp/cifs rw - cifs //server/share rw
35 22 0:43 / /mnt/bucket rw - fuse.s3fs s3fs rw
36 22 0:44 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw
37 22 0:45 / /mnt/rootless rw - fuse.fuse-overlayfs fuse-overlayfs rw
38 22 0:46 / /mnt/layers rw - overlay overlay rw,lowerdir=/a:/b
39 22 0:47 / /mnt/new rw - newfs server.example:/export rw
40 22 0:48 / /mnt/newer rw - newerfs //server/share rw
41 22 0:49 / /mnt/auto rw - autofs systemd-1 rw
nonsense
42 22 0:50
"""


@pytest.fixture(autouse=True)
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTINFO)
    monkeypatch.setattr(place, "MOUNTS", tmp_path / "mountinfo")


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/newsroom", "ext4"),
        ("/tmp", "tmpfs"),
        ("/tmp/cifs/ledger", "cifs"),
        ("/mnt/the share", "nfs4"),
        ("/mnt/the share/ledger", "nfs4"),
        ("/mnt/the share/local/ledger", "xfs"),
        ("/mnt/the share2", "ext4"),
    ],
)
def test_the_innermost_mount_counts(folder: str, kind: str) -> None:
    assert place.filesystem_of(Path(folder)) == kind


def test_a_log_is_not_written_on_a_network_share(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    mounts = place.MOUNTS
    mounts.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {home.root} rw - nfs x rw\n")
    with pytest.raises(StorageError) as caught:
        home.create()
    assert caught.value.code == "database-not-durable"
    assert not home.mark.exists()


@pytest.mark.parametrize(
    ("folder", "refused"),
    [
        ("/mnt/bucket/ledger", True),
        ("/mnt/new", True),
        ("/mnt/newer", True),
        ("/mnt/auto/house", True),
        ("/mnt/the share", True),
        ("/mnt/ntfs", False),
        ("/mnt/rootless", False),
        ("/mnt/layers", False),
        ("/tmp", False),
        ("/home", False),
    ],
)
def test_what_may_lie_elsewhere_is_refused(folder: str, refused: bool) -> None:
    if not refused:
        place.refuse_network(Path(folder))
        return
    with pytest.raises(StorageError) as caught:
        place.refuse_network(Path(folder))
    assert caught.value.code == "database-not-durable"


def test_a_link_does_not_hide_where_it_leads(tmp_path: Path) -> None:
    for kind, target in (("folder", tmp_path / "share"), ("file", tmp_path / "share" / DATABASE)):
        link = tmp_path / kind / ("ledger" if kind == "folder" else DATABASE)
        link.parent.mkdir()
        link.symlink_to(target)
    place.MOUNTS.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path}/share rw - nfs x rw\n")
    for path in (tmp_path / "folder" / "ledger" / DATABASE, tmp_path / "file" / DATABASE):
        with pytest.raises(StorageError) as caught:
            SqliteDatabase(path, writable=True)
        assert caught.value.code == "database-not-durable"


def test_who_comes_by_a_link_takes_the_same_lock(
    ledger: Ledger, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "LOCK_SECONDS", 0.05)
    link = tmp_path / "elsewhere" / DATABASE
    link.parent.mkdir()
    link.symlink_to(home.database)
    with (
        home.connect().lock(),
        pytest.raises(StorageError) as caught,
        SqliteDatabase(link, writable=True).lock(),
    ):
        pass
    assert caught.value.code == "ledger-busy"


def test_where_mounts_are_not_listed_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "MOUNTS", Path("/nonexistent"))
    place.refuse_network(Path("/mnt/the share"))
