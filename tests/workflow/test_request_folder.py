"""Request folders: everything in them is hostile until it has been checked."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import ClassVar

import pytest
from simulator.studio import write_request

from void_audit.errors import RequestError
from void_audit.model.seeing import GeminiSettings, OpenAiSettings, Sam2Settings, Seeing
from void_audit.workflow.request_folder import MAX_TEXT_FILE, Given, parse_prompt, read_request

FIELDS = {
    "object": "box",
    "instruction": "Remove the box.",
    "requester": "lois",
    "purpose": "trailer",
    "asset_class": "entertainment",
    "clicks": [{"frame": 0, "x": 3, "y": 2}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good request; nothing here decodes the clip."""
    request = tmp_path / "request"
    request.mkdir()
    (request / "clip.mp4").write_bytes(b"not looked into here")
    (request / "prompt.json").write_text('{"bg": "An empty room."}')
    write(request)
    return request


def write(folder: Path, **changes: object) -> None:
    fields = {name: value for name, value in {**FIELDS, **changes}.items() if value is not None}
    (folder / "edit.yaml").write_text(json.dumps(fields))


def refusal(folder: Path, given: Given | None = None) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read_request(folder, given)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value


def test_a_good_request(folder):
    request = read_request(folder)
    assert request.request.background == "An empty room."
    assert request.prompt == b'{"bg": "An empty room."}'
    assert request.clip == folder / "clip.mp4"
    assert request.mask is None


def test_yaml_as_people_write_it(folder):
    (folder / "edit.yaml").write_text(
        "# a comment\nobject: box\ninstruction: Remove the box.\nrequester: lois\npurpose: a trailer\n"
        "asset_class: entertainment\nrights: {not_after: 2030-12-31T00:00:00Z}\n"
        "distribution: [web, air]\nclicks:\n  - {frame: 0, x: 3.5, y: 2}\n"
    )
    request = read_request(folder).request
    assert request.rights.not_after.isoformat() == "2030-12-31T00:00:00+00:00"
    assert request.distribution == ("web", "air")
    assert request.clicks[0].x == 3.5


def test_a_void_sequence_folder_needs_no_edit_yaml(folder):
    (folder / "edit.yaml").unlink()
    (folder / "clip.mp4").rename(folder / "input_video.mp4")
    (folder / "quadmask_0.mp4").write_bytes(b"mask")
    options = {"requester": "lois", "purpose": "trailer", "asset_class": "entertainment"}
    request = read_request(folder, Given(options=options))
    assert request.mask == folder / "quadmask_0.mp4"
    assert request.request.clicks == ()


def test_options_win_over_the_folder_and_the_folder_over_defaults(folder):
    given = Given(options={"purpose": "from an option"}, defaults={"purpose": "d", "requester": "default"})
    request = read_request(folder, given).request
    assert (request.purpose, request.requester) == ("from an option", "lois")


@pytest.mark.parametrize("change", ["clip", "prompt", "edit", "mask"])
def test_the_fingerprint_is_of_everything_asked_for(folder, change):
    before = read_request(folder).fingerprint()
    assert read_request(folder).fingerprint() == before
    match change:
        case "clip":
            (folder / "clip.mp4").write_bytes(b"another")
        case "prompt":
            (folder / "prompt.json").write_text('{"bg":  "An empty room."}')
        case "edit":
            write(folder, note="again")
        case "mask":
            (folder / "quadmask_0.mp4").write_bytes(b"mask")
    assert read_request(folder).fingerprint() != before


@pytest.mark.parametrize(
    ("name", "code"),
    [("clip.mp4", "clip-missing"), ("prompt.json", "prompt-missing"), ("edit.yaml", "request-missing")],
)
@pytest.mark.parametrize("instead", ["nothing", "folder", "pipe", "link outside", "loop"])
def test_a_file_that_is_none(folder, name, code, instead):
    path = folder / name
    path.rename(folder.parent / "elsewhere")
    match instead:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)  # reading it would wait for ever
        case "link outside":
            path.symlink_to(folder.parent / "elsewhere")
            code = "request-path"
        case "loop":
            path.symlink_to(path)
            code = "request-path"
    assert refusal(folder).code == code


def test_no_folder(tmp_path):
    assert refusal(tmp_path / "nowhere").code == "request-missing"


class TestPrompt:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", "prompt-json"),
            (b"not json", "prompt-json"),
            (b'{"bg": "An empty room."', "prompt-json"),
            (b"\xff\xfe", "prompt-json"),
            (b"[" * 5000, "prompt-json"),
            (b'{"bg": "An empty room.", "bg": "A full room."}', "prompt-json"),
            (b'{"bg": "half of a pair: \\ud800 here"}', "prompt-json"),
            (b"{}", "prompt-keys"),
            (b'["bg"]', "prompt-keys"),
            (b'"bg"', "prompt-keys"),
            (b'{"background": "An empty room."}', "prompt-keys"),
            (b'{"bg": "An empty room.", "seed": 1}', "prompt-keys"),
            (b'{"bg": ""}', "prompt-empty"),
            (b'{"bg": "   "}', "prompt-empty"),
            (b'{"bg": "room"}', "prompt-empty"),
            (b'{"bg": "- - - ."}', "prompt-empty"),
            (b'{"bg": null}', "prompt-empty"),
            (b'{"bg": ["An empty room."]}', "prompt-empty"),
        ],
    )
    def test_refused(self, folder, data, code):
        with pytest.raises(RequestError) as caught:
            parse_prompt(data)
        assert caught.value.code == code
        (folder / "prompt.json").write_bytes(data)
        assert refusal(folder).code == code

    def test_too_large(self, folder):
        (folder / "prompt.json").write_text(json.dumps({"bg": "long " * MAX_TEXT_FILE}))
        assert refusal(folder).code == "request-too-large"

    def test_a_long_text_is_named_by_its_place(self, folder):
        (folder / "prompt.json").write_text(json.dumps({"bg": "long " * 500}))
        error = refusal(folder)
        assert error.code == "request-schema"
        assert "prompt.json" in error.message

    def test_errors_show_no_raw_control_characters_and_stay_short(self, folder):
        for bg in ["\x1b[31m", "x" * 60_000]:
            (folder / "prompt.json").write_text(json.dumps({"bg": bg}))
            message = refusal(folder).message
            assert "\x1b" not in message
            assert len(message) < 500

    def test_other_scripts_are_words_too(self):
        assert parse_prompt('{"bg": "空 部屋"}'.encode()) == "空 部屋"


class TestEditYaml:
    @pytest.mark.parametrize(
        "text",
        [
            "a: [1",
            "\x00",
            "object: \udcff".encode("utf-8", "surrogateescape"),
            "a: &a [x]\nb: *a",
            "x: &x {a: *x}",
            "object: one\nobject: two",
            "note: !!python/object/apply:os.system [id]",
            "note: !!binary aGk=",
            "? [a, b]\n: c",
            "5: five",
            "note: 2026-13-45",
            "clicks: " + "[" * 2000,
            "note: " + "9" * 5000,
            "a: 1\n---\nb: 2",
            "",
        ],
        ids=range(15),
    )
    def test_not_plain_data(self, folder, text):
        (folder / "edit.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        assert refusal(folder).code == "request-yaml"

    def test_an_alias_bomb_is_refused_before_it_goes_off(self, folder):
        bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
        (folder / "edit.yaml").write_text("\n".join(bomb))
        assert refusal(folder).code == "request-yaml"

    def test_too_large(self, folder):
        (folder / "edit.yaml").write_text("note: " + "x" * MAX_TEXT_FILE)
        assert refusal(folder).code == "request-too-large"

    @pytest.mark.parametrize("text", ["- a", "text", "5", "null"])
    def test_not_a_mapping(self, folder, text):
        (folder / "edit.yaml").write_text(text)
        assert refusal(folder).code == "request-schema"

    @pytest.mark.parametrize(
        "changes",
        [
            {"unknown": 1},
            {"background": "belongs in prompt.json"},
            {"object": None},
            {"object": 5},
            {"object": ""},
            {"instruction": "ab"},
            {"instruction": "x" * 2001},
            {"requester": ["lois"]},
            {"operation": "add"},
            {"operation": "replace "},
            {"mask_schema": "../quadmask"},
            {"mask_schema": "Quadmask"},
            {"mask_schema": 5},
            {"mask_schema": "x" * 41},
            {"consent": 5},
            {"consent": "x" * 4001},
            {"boxes": {"frame": 0, "x": 1, "y": 1, "width": 5, "height": 5}},
            {"boxes": [{"frame": 0, "x": 1, "y": 1, "width": 0, "height": 5}]},
            {"boxes": [{"frame": 0, "x": 1, "y": 1, "width": -5, "height": 5}]},
            {"boxes": [{"frame": 0, "x": 1, "y": 1, "width": 5}]},
            {"boxes": [{"frame": 0, "x": 1, "y": 1, "width": 5, "height": 5, "label": "object"}]},
            {"boxes": [{"frame": 0, "x": 1, "y": 1, "width": 5, "height": 5}] * 201},
            {"boxes": [{"frame": 0, "x": 1, "y": 1, "width": 5, "height": 5, "object": 17}]},
            {"clicks": [{"frame": 0, "x": 1, "y": 1, "object": 0}]},
            {"clicks": [{"frame": 0, "x": 1, "y": 1, "object": 17}]},
            {"asset_class": "gossip"},
            {"distribution": "web"},
            {"rights": {"not_after": "2030-12-31"}},
            {"rights": {"not_after": "2030-12-31T00:00:00"}},
            {"rights": {"until": "2030-12-31T00:00:00Z"}},
            {"clicks": {"frame": 0, "x": 1, "y": 1}},
            {"clicks": [{"frame": -1, "x": 1, "y": 1}]},
            {"clicks": [{"frame": 0.5, "x": 1, "y": 1}]},
            {"clicks": [{"frame": True, "x": 1, "y": 1}]},
            {"clicks": [{"frame": 0, "x": -1, "y": 1}]},
            {"clicks": [{"frame": 0, "x": "1", "y": 1}]},
            {"clicks": [{"frame": 0, "x": 1}]},
            {"clicks": [{"frame": 0, "x": 1, "y": 1, "label": "person"}]},
            {"clicks": [{"frame": 0, "x": 1, "y": 1}] * 1001},
            {"clip": 5},
            {"clip": ["clip.mp4"]},
            {"clip": False},
            {"mask": True},
            {"mask": {}},
        ],
        ids=lambda c: json.dumps(c)[:40],
    )
    def test_wrong_types_unknown_keys_and_values(self, folder, changes):
        write(folder, **changes)
        assert refusal(folder).code == "request-schema"

    @pytest.mark.parametrize(
        ("wrong", "meant"),
        [
            ("click", "clicks"),
            ("ruquester", "requester"),
            ("mask_shema", "mask_schema"),
            ("suplied", "supplied"),
        ],
    )
    def test_a_misspelt_field_is_told_with_the_one_that_was_meant(self, folder, wrong, meant):
        write(folder, **{wrong: 1})
        assert f"edit.yaml: {wrong}: there is no such field; {meant} may be meant" in refusal(folder).message

    def test_a_field_like_no_other_is_only_told(self, folder):
        write(folder, qqqq=1)
        assert refusal(folder).message == "The request is refused: edit.yaml: qqqq: there is no such field."

    def test_who_asks_and_why_may_be_given_as_options_and_the_refusal_says_so(self, folder):
        (folder / "clip.mp4").rename(folder / "input_video.mp4")
        (folder / "edit.yaml").unlink()
        (folder / "quadmask_0.mp4").write_bytes(b"looked into later")
        error = refusal(folder)
        assert "edit.yaml: purpose: is missing" in error.message
        assert all(
            option in error.hint for option in ("--requester NAME", "--purpose TEXT", "--asset-class CLASS")
        )

    @pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
    def test_coordinates_that_are_no_numbers(self, folder, number):
        text = (folder / "edit.yaml").read_text().replace('"x": 3', f'"x": {number}')
        (folder / "edit.yaml").write_text(text)
        assert refusal(folder).code in {"request-yaml", "request-schema"}

    def test_an_unknown_key_does_not_reach_a_terminal_at_length(self, folder):
        write(folder, **{"k" * 30_000: 1})
        assert len(refusal(folder).message) < 1000

    @pytest.mark.parametrize("clicks", [[], None, [{"frame": 0, "x": 1, "y": 1, "label": "background"}]])
    def test_no_click_on_the_object(self, folder, clicks):
        write(folder, clicks=clicks)
        assert refusal(folder).code == "clicks-none"


def named(what: str, name: str) -> dict[str, object]:
    """Fields that name a file; a supplied clip goes with an operation of its own."""
    return {what: name} | ({"operation": "replace"} if what == "supplied" else {})


class TestPaths:
    @pytest.mark.parametrize("what", ["clip", "mask", "supplied"])
    @pytest.mark.parametrize(
        "name",
        ["../secret.mp4", "/etc/passwd", "a/../../secret.mp4", "x" * 5000, "nul\0.mp4", "half \ud800.mp4"],
        ids=range(6),
    )
    def test_no_path_leaves_the_folder(self, folder, what, name):
        (folder.parent / "secret.mp4").write_bytes(b"not yours")
        write(folder, **named(what, name))
        assert refusal(folder).code in {"request-path", "request-yaml"}

    @pytest.mark.parametrize("what", ["clip", "mask", "supplied"])
    def test_a_link_that_leads_out(self, folder, what):
        (folder.parent / "secret.mp4").write_bytes(b"not yours")
        (folder / "inside.mp4").symlink_to("../secret.mp4")
        write(folder, **named(what, "inside.mp4"))
        assert refusal(folder).code == "request-path"

    @pytest.mark.parametrize("what", ["clip", "mask", "supplied"])
    @pytest.mark.parametrize("name", ["", ".", "nowhere.mp4"])
    def test_a_name_of_no_file(self, folder, what, name):
        write(folder, **named(what, name))
        assert refusal(folder).code == f"{what}-missing"

    def test_a_named_file_further_down(self, folder):
        (folder / "deep").mkdir()
        (folder / "clip.mp4").rename(folder / "deep" / "mine.mov")
        write(folder, clip="deep/mine.mov")
        assert read_request(folder).clip == folder / "deep" / "mine.mov"


class TestMasksAsVoidFindsThem:
    """A folder may hold one mask, several binary ones, or name a folder of PNG files."""

    def folder(self, tmp_path, *names):
        folder = write_request(tmp_path / "request")
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(name.encode())
        return folder

    def test_one_file(self, tmp_path):
        folder = self.folder(tmp_path, "trimask_quadmask.mp4")
        assert read_request(folder).mask == folder / "trimask_quadmask.mp4"

    def test_several_binary_masks_are_taken_together(self, tmp_path):
        folder = self.folder(tmp_path, "mask_0.mp4", "mask_1.mp4")
        request = read_request(folder)
        assert request.mask == folder
        before = request.fingerprint()
        (folder / "mask_1.mp4").write_bytes(b"another")
        assert read_request(folder).fingerprint() != before

    def test_a_folder_of_pictures(self, tmp_path):
        folder = self.folder(tmp_path, "pngs/00000.png")
        fields = json.loads((folder / "edit.yaml").read_text())
        (folder / "edit.yaml").write_text(json.dumps({**fields, "mask": "pngs"}))
        request = read_request(folder)
        assert request.mask == folder / "pngs"
        before = request.fingerprint()
        (folder / "pngs" / "00000.png").write_bytes(b"another")
        assert read_request(folder).fingerprint() != before

    @pytest.mark.parametrize("name", ["..", "../request", "pngs/../..", "link"])
    def test_no_folder_outside(self, tmp_path, name):
        folder = self.folder(tmp_path, "pngs/00000.png")
        (folder / "link").symlink_to(tmp_path)
        fields = json.loads((folder / "edit.yaml").read_text())
        (folder / "edit.yaml").write_text(json.dumps({**fields, "mask": name}))
        with pytest.raises(RequestError) as caught:
            read_request(folder)
        assert caught.value.code == "request-path"

    def test_the_clip_is_no_mask_whatever_its_name(self, tmp_path):
        folder = self.folder(tmp_path)
        (folder / "clip.mp4").rename(folder / "masked ball.mp4")
        fields = json.loads((folder / "edit.yaml").read_text())
        (folder / "edit.yaml").write_text(json.dumps({**fields, "clip": "masked ball.mp4"}))
        assert read_request(folder).mask is None


class TestBoxes:
    BOX: ClassVar = {"frame": 0, "x": 3, "y": 2, "width": 20, "height": 10}

    def test_a_box_is_enough(self, folder):
        write(folder, clicks=None, boxes=[self.BOX])
        request = read_request(folder).request
        assert [(b.x, b.y, b.width, b.height, b.object) for b in request.boxes] == [(3, 2, 20, 10, 1)]
        assert request.marks == request.boxes

    def test_with_clicks_and_several_objects(self, folder):
        clicks = [
            {"frame": 0, "x": 3, "y": 2, "object": 2},
            {"frame": 4, "x": 1, "y": 1, "label": "background"},
        ]
        write(folder, clicks=clicks, boxes=[self.BOX, {**self.BOX, "object": 16}])
        marks = read_request(folder).request.marks
        assert [mark.object for mark in marks] == [2, 1, 1, 16]

    def test_clicks_on_the_background_beside_a_box(self, folder):
        write(folder, clicks=[{"frame": 0, "x": 1, "y": 1, "label": "background"}], boxes=[self.BOX])
        assert len(read_request(folder).request.marks) == 2


class TestOperations:
    def test_what_is_meant_where_nothing_is_said(self, folder):
        request = read_request(folder).request
        assert (request.operation, request.mask_schema, request.consent) == ("remove", "quadmask", "")

    @pytest.mark.parametrize("operation", ["remove", "de-emphasize"])
    def test_with_a_schema(self, folder, operation):
        write(folder, operation=operation, mask_schema="brand-safety")
        found = read_request(folder)
        assert (found.request.operation, found.request.mask_schema) == (operation, "brand-safety")
        assert (found.supplied, found.supplied_digest()) == (None, None)

    def test_a_clip_to_put_in(self, folder):
        (folder / "dub.mp4").write_bytes(b"pictures")
        write(
            folder,
            operation="replace",
            mask_schema="localization",
            supplied="dub.mp4",
            consent="lex, until 2030",
        )
        found = read_request(folder)
        assert found.supplied == folder / "dub.mp4"
        assert found.supplied_digest() == hashlib.sha256(b"pictures").hexdigest()
        assert found.request.consent == "lex, until 2030"

    @pytest.mark.parametrize(
        "changes",
        [
            {"operation": "replace"},
            {"supplied": "clip.mp4"},
            {"operation": "remove", "supplied": "clip.mp4"},
            {"operation": "de-emphasize", "supplied": "clip.mp4"},
        ],
    )
    def test_a_clip_goes_with_replacing_and_replacing_with_a_clip(self, folder, changes):
        write(folder, **changes)
        assert refusal(folder).code == "supplied-clip"

    @pytest.mark.parametrize("supplied", [5, ["dub.mp4"], {}, True, False])
    def test_a_clip_that_is_no_name(self, folder, supplied):
        write(folder, operation="replace", supplied=supplied)
        assert refusal(folder).code == "request-schema"

    def test_a_mask_needs_no_click_whatever_is_done(self, folder):
        (folder / "dub.mp4").write_bytes(b"pictures")
        (folder / "mouth.mkv").write_bytes(b"mask")
        write(folder, operation="replace", supplied="dub.mp4", mask="mouth.mkv", clicks=None)
        found = read_request(folder)
        assert (found.mask, found.request.marks) == (folder / "mouth.mkv", ())


class TestFingerprint:
    def prints(self, folder: Path, *seeing: Seeing) -> list[str]:
        return [read_request(folder).fingerprint(look) for look in seeing]

    def test_looked_at_otherwise_it_is_another(self, folder):
        server = OpenAiSettings(model="m", base_url="http://localhost/v1")
        looks = (
            Seeing(), Seeing(segmenter=Sam2Settings()), Seeing(segmenter=Sam2Settings(size="tiny")),
            Seeing(reasoner=GeminiSettings()), Seeing(reasoner=GeminiSettings(seed=7)), Seeing(reasoner=server),
            Seeing(segmenter=Sam2Settings(), reasoner=server),
        )  # fmt: skip
        assert len(set(self.prints(folder, *looks))) == len(looks)
        assert self.prints(folder, *looks) == self.prints(folder, *looks)

    def test_without_saying_it_is_the_embedded_engines(self, folder):
        assert read_request(folder).fingerprint() == read_request(folder).fingerprint(Seeing())

    @pytest.mark.parametrize("changes", [
        {"operation": "de-emphasize"}, {"mask_schema": "brand-safety"}, {"consent": "lex"},
        {"boxes": [{"frame": 0, "x": 1, "y": 1, "width": 5, "height": 5}]},
        {"clicks": [{"frame": 0, "x": 3, "y": 2, "object": 2}]},
    ])  # fmt: skip
    def test_asked_for_otherwise_it_is_another(self, folder, changes):
        before = read_request(folder).fingerprint()
        write(folder, **changes)
        assert read_request(folder).fingerprint() != before

    def test_with_another_clip_to_put_in_it_is_another(self, folder):
        write(folder, operation="replace", supplied="dub.mp4")
        (folder / "dub.mp4").write_bytes(b"pictures")
        before = read_request(folder).fingerprint()
        (folder / "dub.mp4").rename(folder / "other.mp4")
        write(folder, operation="replace", supplied="other.mp4")
        assert read_request(folder).fingerprint() == before  # its bytes count, not its name
        (folder / "other.mp4").write_bytes(b"other pictures")
        assert read_request(folder).fingerprint() != before
