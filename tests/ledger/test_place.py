from __future__ import annotations

from pathlib import Path

import pytest
from conftest_ledger import Home

from void_audit.errors import StorageError
from void_audit.ledger import place

MOUNTINFO = r"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 22 0:26 / /tmp rw shared:9 - tmpfs tmpfs rw
31 22 0:40 / /mnt/the\040share rw - nfs4 server:/export rw,vers=4.2
32 31 254:2 / /mnt/the\040share/local rw - xfs /dev/vdb rw
33 30 0:41 / /tmp/cifs rw - tmpfs tmpfs rw
34 30 0:42 / /tmp/cifs rw - cifs //server/share rw
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


def test_where_mounts_are_not_listed_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "MOUNTS", Path("/nonexistent"))
    place.refuse_network(Path("/mnt/the share"))
