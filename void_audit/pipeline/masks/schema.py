"""Mask schemas from a file, from text, or from the ones that ship with the package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ValidationError

from void_audit.canon.strict_yaml import MAX_BYTES, yaml_to_json
from void_audit.errors import MaskError
from void_audit.model.mask_schema import MaskSchema

__all__ = ["MaskSchema", "builtin", "builtin_names", "load_schema"]

_FORM = "docs/mask-schemas.md describes the form; `void-audit mask schemas --check FILE` checks a file."


def load_schema(source: bytes | Path) -> MaskSchema:
    """A schema from its YAML text or its file.

    Raises:
        MaskError: ``schema-missing`` (no such file), ``schema-malformed`` with the place and the reason.
    """
    text = source if isinstance(source, bytes) else _read(source)
    try:
        return MaskSchema.model_validate_json(yaml_to_json(text, _refused))
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])) or 'schema'}: {e['msg']}" for e in error.errors()[:5]]
        raise _refused("; ".join(problems)[:1500]) from None


@cache
def builtin(name: str) -> MaskSchema:
    """A schema that ships with the package. Raises MaskError ``schema-missing``."""
    if name not in builtin_names():
        raise MaskError(
            "schema-missing",
            f"There is no mask schema {name!r}.",
            f"There are: {', '.join(builtin_names())}.",
        )
    return load_schema((_folder() / f"{name}.yaml").read_bytes())


def builtin_names() -> tuple[str, ...]:
    """Names of the schemas that ship with the package, sorted."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def _folder() -> Traversable:
    return files("void_audit") / "schemas"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise MaskError(
            "schema-missing", f"{path} cannot be read: {error.strerror}.", "Give a mask schema's YAML file."
        ) from None


def _refused(reason: str) -> MaskError:
    return MaskError("schema-malformed", f"The mask schema is refused: {reason}.", _FORM)
