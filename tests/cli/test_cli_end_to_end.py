"""Whole edits through the commands, on the engines that run anywhere: request folder to verified file."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from cli.terminal import Terminal
from clips import write_clip

from void_audit.errors import WeightsError
from void_audit.media.maskfile import MaskFile, write_masks
from void_audit.media.reader import VideoClip
from void_audit.model.geometry import Size
from void_audit.settings import Environment
from void_audit.weights.store import ModelStore

SIZE = Size(160, 96)
FRAMES = 6
LOGO = (slice(32, 64), slice(56, 96))
"""Rows and columns of what is marked in the footage."""

INSIDE = (slice(38, 58), slice(62, 90))


def footage(shift: int = 0) -> list[np.ndarray]:
    """A smooth wall with a logo of stripes in the middle; ``shift`` moves the stripes."""
    y, x = np.mgrid[0 : SIZE.height, 0 : SIZE.width]
    wall = np.stack([90 + x / 4, 120 + y / 3, 140 - x / 5], axis=-1).astype(np.uint8)
    pictures = []
    for number in range(FRAMES):
        picture = wall.copy()
        stripes = ((x + shift) // 5 % 2)[LOGO][..., None]
        picture[LOGO] = np.where(stripes, (225, 30, 40), (250, 230, 40))
        picture[:6, number * 4 : number * 4 + 6] = 30  # something moves, or all frames would be one
        pictures.append(picture)
    return pictures


def request(folder: Path, **changes: object) -> str:
    """A request folder whose logo is marked by a click in its middle."""
    folder.mkdir()
    write_clip(folder / "clip.mp4", width=SIZE.width, height=SIZE.height, frames=FRAMES, pictures=footage())
    fields = {
        "object": "logo", "instruction": "Take the logo out.", "requester": "lois", "purpose": "a trailer",
        "asset_class": "advertising",
        "clicks": [{"frame": 0, "x": 76, "y": 48}, {"frame": 0, "x": 20, "y": 80, "label": "background"}],
        **changes,
    }  # fmt: skip
    (folder / "edit.yaml").write_text(json.dumps({n: v for n, v in fields.items() if v is not None}))
    (folder / "prompt.json").write_text('{"bg": "A plain wall of soft colours in even light."}')
    return folder.name


def masked(
    folder: Path, values: tuple[int, ...] = (0, 63, 127, 255), marked: int = 0, **changes: object
) -> str:
    """The same with a mask file in place of clicks: the logo is of class ``marked``."""
    request(folder, clicks=[], mask="mask.mkv", **changes)
    mask = np.full((SIZE.height, SIZE.width), len(values) - 1, np.uint8)
    mask[LOGO] = marked
    write_masks(folder / "mask.mkv", SIZE, [mask] * FRAMES, values=values)
    return folder.name


@pytest.fixture
def house(tmp_path):
    """Makes a workspace with given packs, on the embedded engines."""
    models = Environment().models()
    try:
        ModelStore(models).path("u2netp")
    except WeightsError:
        pytest.skip("the segmenter's model file is not here: void-audit models fetch")

    def made(packs: str) -> Terminal:
        terminal = Terminal(tmp_path)
        terminal.engines = None
        terminal.env["VOID_AUDIT_MODELS"] = str(models)
        terminal.people(packs)
        return terminal

    return made


def frames(path: Path) -> list[np.ndarray]:
    return [frame.copy() for frame in VideoClip(path).frames()]


def detail(pictures: list[np.ndarray], where) -> float:
    """Mean absolute Laplacian."""
    return float(
        np.mean([np.abs(cv2.Laplacian(p.astype(np.float32), cv2.CV_32F))[where].mean() for p in pictures])
    )


def difference(a: list[np.ndarray], b: list[np.ndarray], where) -> float:
    return float(np.mean([np.abs(p.astype(int) - q)[where].mean() for p, q in zip(a, b, strict=True)]))


def finish(terminal: Terminal, edit: str, approvers: int = 1) -> Path:
    """Approve, run, verify against the source."""
    for name in ("perry", "jimmy")[:approvers]:
        terminal(f"approve {edit} --as {name}")
    terminal(f"run {edit} --out out.mp4")
    said = terminal.json("verify out.mp4 --source request/clip.mp4")
    assert said["exit_code"] == 0
    assert {f["obligation"]: f["state"] for f in said["findings"]}[12] == "pass"
    return terminal.folder / "out.mp4"


AROUND = (slice(80, 96), slice(0, 160))


TONED = {"operation": "de-emphasize", "mask_schema": "brand-safety", "instruction": "Tone the logo down."}


def toned(terminal: Terminal, options: str = "") -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Result and source of a planned request, once it is shown that the right things are planned."""
    planned = terminal.json(f"plan request {options}")
    plan = planned["plan"]
    assert (plan["mask_schema"]["name"], plan["pass2"]["engine"]) == ("brand-safety", "none")
    assert "brand-safety" in json.dumps(planned["decision"])
    out = frames(finish(terminal, planned["edit"], planned["approvals_missing"]))
    source = frames(terminal.folder / "request" / "clip.mp4")
    assert difference(out, source, AROUND) < 2
    return out, source


@pytest.mark.slow
def test_a_logo_that_was_clicked_is_blurred(house):
    terminal = house("base brand-safety")
    request(terminal.folder / "request", **TONED)
    out, source = toned(terminal)
    assert detail(out, INSIDE) < 0.3 * detail(source, INSIDE)


def test_a_logo_is_shown_without_its_colour(house):
    terminal = house("base brand-safety")
    masked(terminal.folder / "request", (0, 127, 255), 1, **TONED)
    out, source = toned(terminal, "--engine de-emphasize --treatment desaturate")
    colour = [
        np.mean([np.ptp(p[LOGO].astype(int), axis=-1).mean() for p in shown]) for shown in (out, source)
    ]
    assert colour[0] < 50
    assert colour[1] > 180
    assert detail(out, INSIDE) > 0.3 * detail(source, INSIDE)


def test_nothing_is_toned_down_in_the_news(house):
    terminal = house("base brand-safety")
    request(terminal.folder / "request", **{**TONED, "asset_class": "news"})
    assert "brand-safety/B02a" in terminal.refused("plan request", 4, "policy-denied")


def test_an_engine_that_cannot_do_it_is_refused_before_anything_is_looked_at(house):
    terminal = house("base brand-safety")
    request(terminal.folder / "request", **TONED)
    before = terminal.log_size()
    for engine in ("propagate", "supplied"):
        terminal.refused(f"plan request --engine {engine}", 2, "engine-schema")
    assert terminal.log_size() == before


def localization(folder: Path, **changes: object) -> None:
    """A request that puts stripes of another clip in, with a mask file in the schema."""
    fields = {
        "operation": "replace", "mask_schema": "localization", "supplied": "dub.mp4", "object": "mouth",
        "instruction": "Put the dubbed mouth in.", "consent": "lex luthor, to this dub, until 2030", **changes,
    }  # fmt: skip
    masked(folder, (0, 127, 255), **fields)
    write_clip(
        folder / "dub.mp4", width=SIZE.width, height=SIZE.height, frames=FRAMES, pictures=footage(shift=5)
    )
    mask = np.full((SIZE.height, SIZE.width), 2, np.uint8)
    mask[20:90, 40:120] = 1
    mask[LOGO] = 0
    write_masks(folder / "mask.mkv", SIZE, [mask] * FRAMES, values=(0, 127, 255))


def test_a_mouth_is_replaced(house):
    terminal = house("base localization")
    localization(terminal.folder / "request")
    planned = terminal.json("plan request")
    assert planned["plan"]["pass1"]["engine"] == "supplied"
    out = frames(finish(terminal, planned["edit"], planned["approvals_missing"]))
    source, dub = (frames(terminal.folder / "request" / name) for name in ("clip.mp4", "dub.mp4"))
    assert difference(out, dub, INSIDE) < 15
    assert difference(source, dub, INSIDE) > 60
    body = (slice(70, 88), slice(44, 116))
    assert difference(out, source, body) < 2
    assert difference(out, source, AROUND) < 2


@pytest.mark.parametrize(("changes", "code", "error", "rule"), [
    ({"consent": ""}, 4, "policy-denied", "localization/L02a"),
    ({"supplied": None}, 2, "supplied-clip", ""),
    ({"operation": "remove"}, 2, "supplied-clip", ""),
    ({"mask_schema": "quadmask"}, 2, "schema-operation", ""),
])  # fmt: skip
def test_what_a_replacement_needs(house, changes, code, error, rule):
    terminal = house("base localization")
    localization(terminal.folder / "request", **changes)
    assert rule in terminal.refused("plan request", code, error)


@pytest.mark.parametrize(("dub", "error"), [
    ({"width": 80, "height": 48}, "supplied-size"),
    ({"frames": FRAMES - 1}, "supplied-frames"),
    ({"frames": FRAMES + 1}, "supplied-frames"),
    (None, "clip-not-video"),
])  # fmt: skip
def test_a_clip_that_cannot_be_put_in_is_refused_before_anything_is_recorded(house, dub, error):
    terminal = house("base localization")
    localization(terminal.folder / "request")
    path = terminal.folder / "request" / "dub.mp4"
    path.write_text("no video")
    if dub:
        write_clip(path, **{"width": SIZE.width, "height": SIZE.height, "frames": FRAMES, **dub})
    before = terminal.log_size()
    terminal.refused("plan request", 2, error)
    assert terminal.log_size() == before


def test_a_supplied_clip_of_another_rate_is_warned_of_before_it_is_approved(house):
    terminal = house("base localization")
    localization(terminal.folder / "request")
    write_clip(
        terminal.folder / "request" / "dub.mp4",
        width=SIZE.width,
        height=SIZE.height,
        frames=FRAMES,
        rate=Fraction(30),
    )
    said = terminal.json("plan request")
    assert any("taken one for one" in warning for warning in said["warnings"])
    assert "taken one for one" in terminal(f"plan {said['edit']}").output.replace("\n", " ")


HOUSE_SCHEMA = """\
name: panel-blur
description: Advertising panels are blurred, clocks are taken out.
classes:
  - {name: clock, value: 10, meaning: a clock, color: [200, 20, 20], pattern: solid, change: content,
     conditioning: remove, counts_as: removed}
  - {name: panel, value: 90, meaning: an advertising panel, color: [20, 200, 20], pattern: dots, change: appearance,
     conditioning: affected, counts_as: deemphasized}
  - {name: rest, value: 200, meaning: everything else, color: [255, 255, 255], pattern: none, change: nothing,
     conditioning: keep, counts_as: kept}
compose:
  de-emphasize: {object: panel}
"""


PANEL = {"operation": "de-emphasize", "mask_schema": "panel-blur", "instruction": "Tone the panel down."}


def test_a_houses_own_schema(house):
    terminal = house("base")
    folder = terminal.folder / ".void-audit" / "schemas"
    masked(terminal.folder / "request", (10, 90, 200), 1, **PANEL)
    terminal.refused("plan request", 2, "schema-missing")
    folder.mkdir()
    (folder / "panel-blur.yaml").write_text(HOUSE_SCHEMA)
    planned = terminal.json("plan request")
    edit = planned["edit"]
    assert planned["plan"]["mask_schema"]["name"] == "panel-blur"
    assert "panel: at most 8.33% of a frame" in terminal(f"mask show {edit}").output
    terminal(f"mask edit {edit} --as lois --cells 0,0 --to clock --frames 0-5")
    terminal(f"mask export {edit} --out mask.mkv")
    seen = set(np.unique(list(MaskFile(terminal.folder / "mask.mkv", (10, 90, 200)).classes())))
    assert seen == {0, 1, 2}
    (folder / "panel-blur.yaml").write_text(HOUSE_SCHEMA.replace("a clock", "a clock or a watch"))
    planned = terminal.json(f"plan {edit}")  # by the schema as it was recorded
    out = frames(finish(terminal, edit, planned["approvals_missing"]))
    assert detail(out, INSIDE) < 0.3 * detail(frames(terminal.folder / "request" / "clip.mp4"), INSIDE)


@pytest.mark.slow
def test_a_mask_is_corrected_planned_again_and_run(house):
    terminal = house("base")
    masked(terminal.folder / "request")
    edit = terminal.json("plan request")["edit"]
    terminal(f"approve {edit} --as perry")
    smudge = "--stroke '120,48 130,48' --radius 6 --to remove --frames 0-5 --note 'a smudge'"
    terminal(f"mask edit {edit} --as lois {smudge}")
    terminal.refused(f"run {edit} --out out.mp4", 2, "plan-stale")
    planned = terminal.json(f"plan {edit}")
    assert (planned["edit"], planned["approvals_missing"] > 0) == (edit, True)
    finish(terminal, edit, planned["approvals_missing"])
    told = json.dumps(terminal.json("history out.mp4"))
    assert "a smudge" in told
    assert "mask-revision" in told
    report = terminal("verify out.mp4 --source request/clip.mp4").output
    assert "revised by hand 1 time(s)" in report.replace("\n", " ")


@pytest.mark.slow
def test_a_question_then_a_plan_then_the_prompt_then_the_plan_again(house):
    terminal = house("base")
    request(terminal.folder / "request", asset_class="entertainment")
    asked = terminal.json("reason request")
    edit = asked["edit"]
    assert asked["proposed_prompt"] is None  # rules have no words of their own
    terminal.refused(f"prompt accept {edit} --as lois", 2, "revision-too-early")
    assert terminal.json("plan request")["edit"] == edit
    terminal.refused(f"prompt accept {edit} --as lois", 2, "prompt-proposal")
    terminal(f"prompt accept {edit} --as lois --text 'A wall in even light, with soft colours.'")
    planned = terminal.json(f"plan {edit}")
    finish(terminal, edit, planned["approvals_missing"])
    assert "A wall in even light, with soft colours." in json.dumps(terminal.json("history out.mp4"))


def test_what_is_exported_and_taken_in_again_has_the_same_classes(house):
    terminal = house("base")
    masked(terminal.folder / "request")
    edit = terminal.json("plan request")["edit"]
    terminal(f"mask edit {edit} --as lois --cells 7,0-2 --to affected --frames 2-5")
    terminal(f"mask edit {edit} --as lois --cells 7,1 --to overlap --mode set --frames 3-4")
    exported = terminal.json(f"export {edit} --void sequence")
    options = "--requester lois --purpose 'a trailer' --asset-class entertainment"
    again = terminal.json(f"plan sequence {options}")
    assert again["edit"] != edit
    assert again["plan"]["mask"]["root"] == exported["mask"]["root"]
    for name, number in (("first.mkv", edit), ("again.mkv", again["edit"])):
        terminal(f"mask export {number} --out {name}")
    both = [np.array(list(MaskFile(terminal.folder / name).classes())) for name in ("first.mkv", "again.mkv")]
    assert np.array_equal(*both)
    assert set(np.unique(both[0])) == {0, 1, 2, 3}
