"""A house's own list: what it adds to the shipped registry, what it cannot take from it, and how it is written."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import StorageError, WeightsError
from void_audit.weights.house import HEADER, house_list, register, toml
from void_audit.weights.registry import (
    FolderAbout,
    FolderFile,
    ModelFolder,
    approved,
    parse_registry,
    shipped,
    with_house,
)

ENTRY = """
[[folder]]
name = "{name}"
purpose = "test"
licence = "Apache-2.0"
origin = "here"
dynamics = {dynamics}
[[folder.file]]
path = "{path}"
sha256 = "{sha256}"
size = {size}
"""
GOOD = {"name": "void", "dynamics": "true", "path": "base/a.json", "sha256": "a" * 64, "size": "3"}


def entry(**changes: str) -> str:
    return ENTRY.format(**(GOOD | changes))


def about(name: str = "void", **changes: object) -> FolderAbout:
    fields = {"purpose": "test", "licence": "CC0", "origin": "here", "dynamics": True} | changes
    return FolderAbout.model_validate({"name": name, **fields})


@pytest.fixture
def root(tmp_path) -> Path:
    (tmp_path / "void" / "base").mkdir(parents=True)
    (tmp_path / "void" / "base" / "config.json").write_text("{}")
    (tmp_path / "void" / "m.model").write_bytes(b"abc")
    return tmp_path / "void"


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "models.toml"


def registered(file: Path):
    return with_house(house_list(file))


class TestJoined:
    def test_no_list_is_what_is_shipped(self, file):
        assert registered(file) == shipped()

    def test_both_are_approved_and_the_shipped_registry_stays_as_it_is(self):
        both = with_house(entry())
        assert both.approved("a" * 64)
        assert all(both.approved(model.sha256) for model in shipped().model)
        assert not both.approved("b" * 64)
        assert not approved("a" * 64)
        assert both.lookup_folder("void").dynamics

    @pytest.mark.parametrize("name", ["u2netp", "u2netp.onnx"])
    def test_a_shipped_name_or_file_is_not_taken(self, name):
        with pytest.raises(WeightsError) as caught:
            with_house(entry(name=name))
        assert caught.value.code == "weights-shadowed"

    def test_single_files_come_with_void_audit_only(self):
        model = shipped().model[0]
        source = "\n".join(f'{k} = "{v}"' for k, v in model.source.model_dump().items())
        text = (
            f'[[model]]\nname = "other"\nfile = "other.onnx"\npurpose = ""\nsha256 = "{"c" * 64}"\nsize = 3\n'
            f'licence = ""\n[model.source]\n{source}\n'
        )
        assert parse_registry(text).approved("c" * 64)
        with pytest.raises(WeightsError, match="folders only"):
            with_house(text)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("path", "../escape.json"),
            ("path", "base/../../escape"),
            ("path", "/etc/passwd"),
            ("path", "base//a"),
            ("path", "base/"),
            ("path", "base/./a"),
            ("path", ".hidden/a"),
            ("path", "base/.hidden"),
            ("path", "C:\\\\a"),
            ("path", "base\\\\a"),
            ("path", "a\\n"),
            ("path", "a" * 100),
            ("path", ""),
            ("name", ".."),
            ("name", "void/base"),
            ("name", "Void"),
            ("name", ""),
            ("sha256", "A" * 64),
            ("sha256", "a" * 63),
            ("size", "0"),
            ("size", "-1"),
            ("size", '"3"'),
            ("size", "3.0"),
            ("size", "2026-01-01"),
            ("dynamics", '"yes"'),
            ("dynamics", "1"),
        ],
    )
    def test_a_hostile_or_sloppy_entry(self, field, value):
        assert with_house(entry())
        with pytest.raises(WeightsError) as caught:
            with_house(entry(**{field: value}))
        assert caught.value.code == "weights-registry"
        assert "models.toml" in caught.value.hint

    @pytest.mark.parametrize(
        "text",
        [
            "", "# nothing", "[[folder", "folder = 3", "folder = []", "x = " + "[" * 100_000,
            entry() + entry(),
            entry().split("[[folder.file]]")[0],
            entry() + '[[folder.file]]\npath = "base/A.JSON"\nsha256 = "' + "b" * 64 + '"\nsize = 3\n',
            entry().replace("origin", "code = 'x'\norigin"),
            entry().replace("dynamics = true\n", ""),
        ],
    )  # fmt: skip
    def test_a_list_that_is_none(self, text):
        with pytest.raises(WeightsError) as caught:
            with_house(text)
        assert caught.value.code == "weights-registry"

    def test_the_same_file_may_be_in_two_models(self):
        assert len(with_house(entry() + entry(name="void-2")).folder) == 2

    def test_a_list_that_is_no_text(self, file):
        file.write_bytes(b"\xff\xfe")
        with pytest.raises(WeightsError) as caught:
            house_list(file)
        assert caught.value.code == "weights-registry"
        file.unlink()
        file.mkdir()
        with pytest.raises(WeightsError):
            house_list(file)


class TestRegister:
    def test_what_is_written_is_what_is_read(self, file, root):
        folder = register(file, about(), root)
        assert [f.path for f in folder.file] == ["base/config.json", "m.model"]
        assert registered(file).lookup_folder("void") == folder
        assert all(registered(file).approved(f.sha256) for f in folder.file)
        assert file.read_text().startswith(HEADER)

    def test_another_is_added_and_the_first_stays_to_the_letter(self, file, root):
        register(file, about(), root)
        before = file.read_text() + "# a remark by hand, without an end of line"
        file.write_text(before)
        register(file, about("void-2"), root)
        assert file.read_text().startswith(before)
        assert [folder.name for folder in registered(file).folder] == ["void", "void-2"]

    def test_a_name_is_taken_for_good(self, file, root):
        register(file, about(), root)
        before = file.read_bytes()
        (root / "m.model").write_bytes(b"changed")

        def hashed(*_: object) -> None:
            raise AssertionError("hashed before the name was looked at")

        with pytest.raises(WeightsError) as caught:
            register(file, about(), root, hashed)
        assert caught.value.code == "weights-name-taken"
        assert file.read_bytes() == before

    @pytest.mark.parametrize("name", ["u2netp", "u2netp.onnx"])
    def test_a_shipped_name(self, file, root, name):
        with pytest.raises(WeightsError) as caught:
            register(file, about(name), root)
        assert caught.value.code == "weights-shadowed"
        assert not file.exists()

    def test_a_broken_list_is_not_made_worse(self, file, root):
        file.write_text("[[folder")
        with pytest.raises(WeightsError) as caught:
            register(file, about(), root)
        assert caught.value.code == "weights-registry"
        assert file.read_text() == "[[folder"

    def test_two_names_that_some_disks_take_for_one(self, file, root):
        (root / "M.model").write_bytes(b"abc")
        if len(list(root.iterdir())) == 2:
            pytest.skip("this disk takes them for one")
        with pytest.raises(WeightsError) as caught:
            register(file, about(), root)
        assert caught.value.code == "weights-name"

    def test_a_place_that_cannot_be_written(self, tmp_path, root):
        with pytest.raises(StorageError):
            register(tmp_path / "nowhere" / "models.toml", about(), root)

    def test_nothing_is_left_when_the_disk_is_full(self, file, root, monkeypatch):
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(StorageError) as caught:
            register(file, about(), root)
        assert caught.value.code == "storage-full"
        assert [path.name for path in file.parent.iterdir()] == ["void"]


@given(text=st.text(max_size=50), number=st.integers(1, 2**36))
def test_any_words_survive_the_file(text, number):
    """Quotes, line ends, control characters, emoji: no text can add an entry or break the list."""
    one = FolderFile(path="a", sha256="a" * 64, size=number)
    fields = {
        "purpose": text,
        "licence": text + '"\n[[folder]]',
        "origin": "\x7f\x00" + text,
        "dynamics": False,
    }
    folder = ModelFolder.model_validate({"name": "void", "file": (one,), **fields})
    assert tomllib.loads(toml(folder)) == {"folder": [{**folder.model_dump(), "file": [one.model_dump()]}]}
    assert with_house(HEADER + toml(folder)).lookup_folder("void") == folder
