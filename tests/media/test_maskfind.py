"""The mask of a folder is the one that VOID's loader would take; names it does not know come after."""

import json
from pathlib import Path

import pytest

from void_audit.errors import ClipError, MaskError
from void_audit.media.maskfind import find_mask, first_prompted_frame, is_foreground


def folder(place: Path, *names: str) -> Path:
    for name in names:
        (place / name).write_bytes(b"")
    return place


@pytest.mark.parametrize(
    ("names", "chosen", "foreground"),
    [
        (("quadmask_0.mp4",), ("quadmask_0.mp4",), False),
        (("quadmask_1.mp4", "quadmask_0.mp4"), ("quadmask_0.mp4",), False),
        (("trimask_quadmask.mp4",), ("trimask_quadmask.mp4",), False),
        (("quadmask_0.mp4", "mask.mp4"), ("mask.mp4",), False),
        (("mask.mp4", "mask_1.mp4", "mask_0.mp4", "quadmask_0.mp4"), ("mask_0.mp4", "mask_1.mp4"), True),
        (("black_mask.mp4", "trimask_quadmask.mp4"), ("trimask_quadmask.mp4",), False),
        (("black_mask.mp4", "input_video.mp4", "grey_mask.mp4"), ("black_mask.mp4",), False),
        (("quadmask.mkv",), ("quadmask.mkv",), False),
    ],
)
def test_voids_order(
    tmp_path: Path, names: tuple[str, ...], chosen: tuple[str, ...], foreground: bool
) -> None:
    found = find_mask(folder(tmp_path, *names))
    assert tuple(path.name for path in found.paths) == chosen
    assert found.foreground == foreground
    left = [name for name in names if "mask" in name and name not in (*chosen, "grey_mask.mp4")]
    assert all(name in found.note for name in left)
    assert bool(found.note) == bool(left)


def test_a_file_is_itself(tmp_path: Path) -> None:
    for name, foreground in (
        ("mask_0.mp4", True),
        ("quadmask_0.mp4", False),
        ("mask.mp4", False),
        ("mask_0.mkv", False),
    ):
        found = find_mask(tmp_path / name)
        assert (found.paths, found.foreground, found.note) == ((tmp_path / name,), foreground, "")
        assert is_foreground(tmp_path / name) == foreground


def test_otherwise_it_is_a_folder_of_pictures(tmp_path: Path) -> None:
    assert find_mask(folder(tmp_path, "a.png", "input_video.mp4")).paths == (tmp_path,)


def test_too_many(tmp_path: Path) -> None:
    assert len(find_mask(folder(tmp_path, *(f"mask_{i:02}.mp4" for i in range(64)))).paths) == 64
    with pytest.raises(MaskError) as caught:
        find_mask(folder(tmp_path, "mask_64.mp4"))
    assert caught.value.code == "mask-sequence"


def test_links_bring_nothing_in(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    outside = folder(tmp_path, "secret.mp4") / "secret.mp4"
    (tmp_path / "in/mask_0.mp4").symlink_to(outside)
    (tmp_path / "in/quadmask_0.mp4").symlink_to("quadmask_0.mp4")
    (tmp_path / "in/mask.mp4").mkdir()
    folder(tmp_path / "in", "trimask_quadmask.mp4")
    (tmp_path / "in/quadmask_1.mp4").symlink_to("trimask_quadmask.mp4")
    assert [p.name for p in find_mask(tmp_path / "in").paths] == ["quadmask_1.mp4"]


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ClipError) as caught:
        find_mask(tmp_path)
    assert caught.value.code == "clip-unreadable"


@pytest.mark.parametrize(
    ("points", "first"),
    [
        ({"7": [[1, 2]], "18": [[3, 4]]}, 7),
        ({"0": [[1, 2]]}, 0),
        ({"3": [], "9": [[1, 1]]}, 9),
        ({}, None),
        (7, None),
    ],
)
def test_first_click(tmp_path: Path, points: object, first: int | None) -> None:
    (tmp_path / "segmentation_info.json").write_text(json.dumps({"points_by_frame": points}))
    assert first_prompted_frame(tmp_path / "black_mask.mp4") == first


def test_no_clicks_known(tmp_path: Path) -> None:
    assert first_prompted_frame(tmp_path / "black_mask.mp4") is None
