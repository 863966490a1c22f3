"""``models``: what is approved, what is here, what is not what it says, and what a house approves itself."""

from __future__ import annotations

import hashlib
import pickle
import tomllib
from pathlib import Path

import pytest
from cli.terminal import Terminal
from rich.console import Console

from void_audit.audit.evidence import Pins, gathered
from void_audit.cli import evidence, models
from void_audit.cli.workspace import Workspace
from void_audit.weights.registry import shipped

FILES = {"base/config.json": b"{}", "base/a-name-that-is-as-long-as-they-are-in-practice.model": b"x" * 1234}
DIGESTS = {hashlib.sha256(content).hexdigest() for content in FILES.values()}
ADD = 'models add void --licence Apache-2.0 --origin "the hub, revision 1" --dynamics'


@pytest.fixture
def house(terminal: Terminal) -> Terminal:
    """A workspace, and a model in its store that nobody has approved."""
    terminal("init --no-passphrase --admin chief --organisation Planet")
    put(terminal, FILES)
    return terminal


def put(terminal: Terminal, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = terminal.folder / "models" / "void" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def listed(terminal: Terminal) -> Path:
    return terminal.folder / ".void-audit" / "trust" / "models.toml"


def test_everything_registered_is_listed(terminal):
    said = terminal.json("models list")
    assert said["store"] == str(terminal.folder / "models")
    assert {row["model"]["name"] for row in said["models"]} == {m.name for m in shipped().model}
    assert {row["state"] for row in said["models"]} == {"missing"}
    assert all(row["model"]["licence"] and row["model"]["sha256"] for row in said["models"])
    assert shipped().model[0].name in terminal("models list").output


def test_missing_is_no_failure_and_another_file_is(terminal):
    assert set(terminal.json("models verify")["models"].values()) == {"missing"}
    model = shipped().model[0]
    (terminal.folder / "models").mkdir()
    (terminal.folder / "models" / model.file).write_bytes(b"not the model")
    assert terminal.json("models verify", 1)["models"][model.name] == "differs"
    assert "differs" in terminal("models list").output


def test_an_unknown_model(terminal):
    terminal.refused("models fetch nonsense", 2, "weights-unknown")


class TestAdd:
    def test_a_folder_is_approved_as_it_is(self, house):
        said = house.json(ADD)
        assert said["list"] == str(listed(house))
        assert {file["path"] for file in said["folder"]["file"]} == set(FILES)
        assert {file["sha256"] for file in said["folder"]["file"]} == DIGESTS
        assert said["folder"]["dynamics"]
        assert tomllib.loads(listed(house).read_text())["folder"][0]["origin"] == "the hub, revision 1"
        assert house.json("models verify")["models"]["void"] == "ok"

    def test_a_person_sees_what_was_approved(self, house):
        said = house(ADD).output
        assert all(name in said for name in FILES)
        assert all(digest in said for digest in DIGESTS)
        assert "2 files are approved" in said
        assert "trust/models.toml" in said

    @pytest.mark.parametrize("width", [80, 120])
    def test_the_list_fits_the_terminal_and_breaks_no_digest(self, house, width, monkeypatch):
        house(ADD + " --purpose '" + "removal of an object and of what it caused, " * 4 + "'")
        monkeypatch.setattr(models, "out", Console(width=width, highlight=False, soft_wrap=True))
        lines = house("models list").stdout.splitlines()
        assert max(map(len, lines)) <= width
        digests = DIGESTS | {model.sha256 for model in shipped().model}
        assert digests <= {word for line in lines for word in line.split()}
        assert all(any(line.strip().startswith(name) for line in lines) for name in FILES)

    def test_it_is_listed_without_being_read_and_verified_by_content(self, house):
        house(ADD)
        path = house.folder / "models/void/base/config.json"
        path.write_bytes(b"[]")
        assert [row["state"] for row in house.json("models list")["folders"]] == ["present"]
        said = house.json("models verify", 1)
        assert said["models"]["void"] == "differs"
        assert "config.json" in said["problems"]["void"]
        assert "config.json" in house("models verify", 1).output
        path.unlink()
        assert "is not there" in house("models list").output

    def test_twice(self, house):
        house(ADD)
        before = listed(house).read_bytes()
        house.refused(ADD, 2, "weights-name-taken")
        assert listed(house).read_bytes() == before

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("u2netp", "weights-shadowed"), ("other", "weights-missing"), ("../void", "weights-name"),
            ("/etc", "weights-name"), ("Void", "weights-name"), ("''", "weights-name"), (".", "weights-name"),
            ("void/base", "weights-name"),
        ],
    )  # fmt: skip
    def test_names(self, house, name, code):
        put(house, {"../u2netp/m.model": b"x"})
        house.refused(f"models add {name} --licence x --origin y", 2, code)
        assert not listed(house).exists()

    def test_a_pickle(self, house):
        put(house, {"base/pytorch_model.bin": b"x"})
        house.refused(ADD, 2, "weights-pickled")
        (house.folder / "models/void/base/pytorch_model.bin").unlink()
        put(house, {"void_pass1.safetensors": pickle.dumps({"w": list(range(100))})})
        house.refused(ADD, 2, "weights-pickled")
        assert not listed(house).exists()

    def test_a_link(self, house):
        (house.folder / "models/void/secret.json").symlink_to("/etc/passwd")
        house.refused(ADD, 2, "weights-link")
        assert not listed(house).exists()

    def test_without_a_workspace(self, terminal):
        put(terminal, FILES)
        terminal.refused(ADD, 2, "workspace-missing")

    def test_words_are_shown_as_they_are(self, house):
        house("models add void --licence '[bold]x[/bold]' --origin 'a\x1b[2Jb'")
        said = house("models list").output
        assert "[bold]x[/bold]" in said
        assert "\x1b" not in said


class TestPins:
    """Which model files a verifier takes for approved."""

    @pytest.fixture
    def pinned(self, monkeypatch) -> list[Pins]:
        seen: list[Pins] = []

        def watched(file, pins, *others):
            seen.append(pins)
            return gathered(file, pins, *others)

        monkeypatch.setattr(evidence, "gathered", watched)
        return seen

    @pytest.fixture
    def added(self, own) -> Terminal:
        put(own, FILES)
        own(ADD)
        return own

    def trust(self, own) -> str:
        folder = own.folder / ".void-audit" / "trust"
        return f"--trust {folder / 'root.pem'} --log-key {folder / 'log.vkey'}"

    def test_the_workspaces_list(self, added, pinned):
        added("verify clean.mp4")
        assert all(pinned[0].approved_weights(digest) for digest in DIGESTS)
        assert all(pinned[0].approved_weights(model.sha256) for model in shipped().model)
        assert not pinned[0].approved_weights("0" * 64)

    def test_another_desk_approves_only_what_is_shipped_unless_it_is_given_the_list(self, added, pinned):
        added(f"verify clean.mp4 {self.trust(added)}", VOID_AUDIT_WORKSPACE="/nowhere")
        assert not any(pinned[0].approved_weights(digest) for digest in DIGESTS)
        added(
            f"verify clean.mp4 {self.trust(added)} --models {listed(added)}", VOID_AUDIT_WORKSPACE="/nowhere"
        )
        assert all(pinned[1].approved_weights(digest) for digest in DIGESTS)

    def test_a_list_that_is_given_is_used_instead_of_the_workspaces(self, added, pinned):
        text = listed(added).read_text()
        (added.folder / "other.toml").write_text(text.replace(min(DIGESTS), "f" * 64))
        added("verify clean.mp4 --models other.toml")
        assert pinned[0].approved_weights("f" * 64)
        assert not pinned[0].approved_weights(min(DIGESTS))

    def test_lists_that_cannot_be_used(self, added):
        added.refused("verify clean.mp4 --models nowhere.toml", 2, "pin-unreadable")
        (added.folder / "bad.toml").write_text("[[folder")
        added.refused("verify clean.mp4 --models bad.toml", 2, "weights-registry")
        listed(added).write_text("[[folder")
        added.refused("verify clean.mp4", 2, "weights-registry")

    def test_policy_and_engines_take_the_same_list(self, added):
        place = Workspace(added.folder / ".void-audit", added.folder / "models", lambda holder: None)
        assert all(place.studio().approved_weights(digest) for digest in DIGESTS)
        assert place.registry.lookup_folder("void").name == "void"
