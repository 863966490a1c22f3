import tempfile
from dataclasses import replace

import pytest
from clips import write_clip
from simulator.studio import FRAMES, SIZE

from void_audit.audit.pictures import MASK_TITLE, TOLERANCE, containment, mask
from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_file, sha256_hex
from void_audit.canon.mask import mask_identity
from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.media.packets import packet_digests
from void_audit.media.reader import VideoClip
from void_audit.media.writer import VideoWriter
from void_audit.model.plan import EncoderSettings
from void_audit.model.report import State


def with_mask(finished, data, base=None):
    """A manifest that carries ``data`` as the mask, and a record that says that it is the one."""
    base = base or finished.evidence
    ref = finished.record("mask").mask.model_copy(update={"sha256": sha256_hex(data), "size": len(data)})
    embedded = {**base.manifest.embedded, MASK_TITLE: data}
    return finished.with_record("mask", finished.with_manifest(base, embedded=embedded), mask=ref)


def with_source(finished, path, **fields):
    """As if the edit had begun with another clip."""
    digest = sha256_file(path)
    entries = []
    for entry in finished.with_record("source", **fields).entries:
        statement = entry.statement
        if statement.kind == "source":
            subjects = tuple(s.model_copy(update={"digest": {"sha256": digest}}) for s in statement.subjects)
            statement = statement.model_copy(update={"subjects": subjects})
        entries.append(replace(entry, statement=statement))
    state = finished.with_record("source", **fields).state
    return replace(finished.evidence, entries=tuple(entries), state=state, source=path, source_sha256=digest)


@pytest.mark.parametrize("check", [mask, containment])
def test_a_file_that_carries_nothing_is_neither_green_nor_red(nothing, check):
    found = check(nothing)
    assert found.state is State.UNKNOWN
    assert found.remedy


@pytest.mark.parametrize("check", [mask, containment])
def test_a_mask_that_is_not_carried_cannot_be_told(finished, check):
    found = check(finished.with_manifest(embedded={}))
    assert found.state is State.UNKNOWN
    assert found.remedy


@pytest.mark.parametrize("check", [mask, containment])
def test_nothing_is_left_on_disk(finished, tmp_path, monkeypatch, check):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for evidence in (finished.evidence, with_mask(finished, b"garbage")):
        check(evidence)
        assert list(tmp_path.iterdir()) == []


# --- 10 --------------------------------------------------------------------------------------------


def test_10_tells_frames_root_and_how_much_is_opened(finished):
    found = mask(finished.evidence)
    assert found.state is State.PASS
    assert f"{FRAMES} frames" in found.detail
    assert finished.record("mask").identity.root[:16] in found.detail
    assert "12.0%" in found.detail


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x1aE\xdf\xa3" + bytes(100)])
def test_10_other_bytes_than_recorded_are_not_even_decoded(finished, monkeypatch, data):
    monkeypatch.setattr("void_audit.audit.pictures.MaskFile", None)
    found = mask(finished.with_manifest(embedded={MASK_TITLE: data}))
    assert found.state is State.FAIL


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x1aE\xdf\xa3" + bytes(100), b"\0\0\0\x18ftypmp42" * 9])
def test_10_a_recorded_mask_that_is_no_video(finished, data):
    assert mask(with_mask(finished, data)).state is State.FAIL


def test_10_a_recorded_mask_cut_off(finished):
    whole = finished.manifest.embedded[MASK_TITLE]
    for length in (len(whole) // 3, len(whole) // 2, len(whole) - 9):
        assert mask(with_mask(finished, whole[:length])).state is State.FAIL


def test_10_a_recorded_mask_that_is_a_colour_video(finished):
    found = mask(with_mask(finished, finished.source.read_bytes()))
    assert found.state is State.FAIL
    assert "grey" in found.detail


def test_10_other_classes_than_the_recorded_root_names_both_roots(finished, tmp_path):
    (tmp_path / "mask.mkv").write_bytes(finished.manifest.embedded[MASK_TITLE])
    frames = [classes.copy() for classes in MaskFile(tmp_path / "mask.mkv").classes()]
    frames[-1][0, 0] ^= 1
    other = write_masks(tmp_path / "other.mkv", SIZE, frames)
    found = mask(with_mask(finished, other.read_bytes()))
    assert found.state is State.FAIL
    assert mask_identity(MaskFile(other))[0].root[:16] in found.detail
    assert finished.record("mask").identity.root[:16] in found.detail


@pytest.mark.parametrize(
    "listed",
    [b"[]", b"{}", b"", b"\xff", b"null", b"[" * 100_000, b"1" * 5000, jcs.canonical(["0" * 64] * FRAMES)],
    ids=range(8),
)
def test_10_a_list_of_frame_hashes_that_is_none(finished, listed):
    """Deeply nested JSON once ended the whole verification in a traceback."""
    ref, evidence = finished.with_blob(listed)
    assert mask(finished.with_record("mask", evidence, frame_hashes=ref)).state is State.FAIL


# --- 12 --------------------------------------------------------------------------------------------


def test_12_measures_every_frame_within_the_tolerance(finished):
    found = containment(finished.evidence)
    assert found.state is State.PASS
    assert f"{FRAMES} frames" in found.detail
    assert float(found.detail.split("off by ")[1].split(" of")[0]) < TOLERANCE


def test_12_without_the_source_it_cannot_be_told(finished):
    found = containment(replace(finished.evidence, source=None, source_sha256=None))
    assert found.state is State.UNKNOWN
    assert "--source" in found.remedy


def test_12_another_clip_is_not_compared(finished):
    found = containment(
        replace(finished.evidence, source=finished.path, source_sha256=finished.evidence.sha256)
    )
    assert found.state is State.UNKNOWN
    assert "--source" in found.remedy


def test_12_the_worst_block_is_named(finished, tmp_path):
    """One block of one frame is inverted, outside the mask."""
    other = write_clip(
        tmp_path / "other.mkv", width=SIZE.width, height=SIZE.height, frames=FRAMES, codec="ffv1"
    )
    clip = VideoClip(other)
    painted = tmp_path / "painted.mkv"
    with VideoWriter(painted, other, clip.info, EncoderSettings(codec="ffv1")) as writer:
        for number, frame in enumerate(clip.planes()):
            luma = frame.planes[0].copy()
            if number == 3:
                luma[:8, 80:88] = 255 - luma[:8, 80:88]
            writer.write(replace(frame, planes=(luma, *frame.planes[1:])))
    bent = with_source(finished, other, packets=packet_digests(other))
    assert containment(replace(bent, file=other)).state is not State.UNKNOWN
    found = containment(replace(bent, file=painted))
    assert found.state is State.FAIL
    assert "frame 3, block at x 80, y 0" in found.detail


@pytest.mark.parametrize(
    "change", [{"frames": FRAMES - 1}, {"frames": FRAMES + 1}, {"width": SIZE.width + 16}]
)
def test_12_a_file_of_another_shape(finished, tmp_path, change):
    shape = {"width": SIZE.width, "height": SIZE.height, "frames": FRAMES, **change}
    other = write_clip(tmp_path / "other.mp4", **shape)
    found = containment(replace(finished.evidence, file=other))
    assert found.state is State.FAIL
    assert "differ" in found.detail or "part at frame" in found.detail


@pytest.mark.parametrize("what", ["file", "source"])
def test_12_what_cannot_be_decoded_fails(finished, tmp_path, what):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(finished.source.read_bytes()[:300])
    bent = with_source(finished, broken) if what == "source" else replace(finished.evidence, file=broken)
    assert containment(bent).state is State.FAIL


def test_12_a_mask_that_is_none_contains_nothing(finished):
    assert containment(with_mask(finished, b"garbage")).state is State.FAIL
