"""Mask schemas from a file, from text, from a house's folder, or from the ones that ship with the package."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from void_audit.canon.strict_yaml import MAX_BYTES, yaml_to_json
from void_audit.errors import MaskError
from void_audit.model.mask_schema import MaskSchema

__all__ = ["MaskSchema", "builtin", "builtin_names", "find_schema", "load_schema", "schema_names"]

MAX_PROBLEMS = 5

_FORM = "docs/mask-schemas.md describes the form; `void-audit mask schemas --check FILE` checks a file."
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "int_type": "should be a whole number",
    "string_type": "should be text",
    "tuple_type": "should be a list",
    "model_type": "should be a mapping of fields to values",
    "dict_type": "should be a mapping of operations to classes",
}
"""Where pydantic's own words speak of its types."""
_NAME = "should be lower-case letters, digits and hyphens, a letter first, at most 40"
_LINE = "should be one line without control characters"
_TYPE_NAMES = r"^(Value error, |Input |Tuple |Dictionary |String )"


def load_schema(source: bytes | Path) -> MaskSchema:
    """A schema from its YAML text or its file.

    Raises:
        MaskError: ``schema-missing`` (no such file), ``schema-malformed`` with every place and reason.
    """
    text = yaml_to_json(source if isinstance(source, bytes) else _read(source), _refused)
    try:
        return MaskSchema.model_validate_json(text)
    except ValidationError as error:
        raise _refused(_problems(error, json.loads(text))) from None


def find_schema(name: str, folder: Path | None = None) -> MaskSchema:
    """A schema that ships with the package, or ``folder/NAME.yaml``, by name.

    Raises:
        MaskError: ``schema-missing``; ``schema-malformed``, ``schema-name`` as for ``house_schema``.
    """
    names = schema_names(folder)
    if name not in names:
        raise MaskError(
            "schema-missing", f"There is no mask schema {name!r}.", f"There are: {', '.join(names)}."
        )
    return (
        builtin(name) if folder is None or name in builtin_names() else house_schema(folder / f"{name}.yaml")
    )


def schema_names(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the schemas that ship with the package and of the files in ``folder``, sorted. No file is read."""
    own = folder.glob("*.yaml") if folder is not None and folder.is_dir() else ()
    return tuple(sorted({*builtin_names(), *(path.stem for path in own)}))


def house_schema(path: Path) -> MaskSchema:
    """A house's own schema, which has the name of its file.

    Raises:
        MaskError: as ``load_schema``; ``schema-name`` if it has another name than its file, or one that ships
            with the package: whoever reads the name must not find another schema under it.
    """
    schema = load_schema(path)
    if schema.name in builtin_names():
        raise MaskError(
            "schema-name",
            f"{path.name}: {schema.name} ships with void-audit.",
            "Give your schema another name.",
        )
    if schema.name != path.stem:
        raise MaskError(
            "schema-name",
            f"{path.name} holds the schema {schema.name}.",
            f"Name the file {schema.name}.yaml.",
        )
    return schema


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


def _problems(error: ValidationError, data: object) -> str:
    faults = error.errors(include_input=False)
    if any(e["loc"][:1] == ("classes",) and len(e["loc"]) > 1 for e in faults):
        # Faulty classes are not counted: that there are too few others is no fault of the file's.
        faults = [e for e in faults if e["type"] != "too_short"]
    found = [_problem(e["type"], e["msg"], e["loc"], data) for e in faults]
    more = f"; and {len(found) - MAX_PROBLEMS} more" if len(found) > MAX_PROBLEMS else ""
    return "; ".join(found[:MAX_PROBLEMS]) + more


def _problem(kind: str, message: str, loc: tuple[int | str, ...], data: Any) -> str:  # noqa: ANN401 - any JSON
    said = _WORDS.get(kind) or re.sub(_TYPE_NAMES, "", message).replace(" after validation", "")
    if kind == "string_pattern_mismatch":
        said = _LINE if loc[-1] in {"meaning", "description"} else _NAME
    place = _place(loc, data)
    if kind == "value_error":
        return f"{place}: {said}" if place else said
    return f"{place or 'the file'} {said}"


def _place(loc: tuple[int | str, ...], data: Any) -> str:  # noqa: ANN401 - any JSON
    """Where it is, for a person: classes are counted from 1, and named where they have a name."""
    parts = [_shown(part) for part in loc if part != "[key]"]
    if len(loc) > 1 and loc[0] == "classes" and isinstance(loc[1], int):
        spec = data["classes"][loc[1]]
        name = spec.get("name") if isinstance(spec, dict) else None
        parts[:2] = [f"class {loc[1] + 1}" + (f" ({_shown(name)})" if isinstance(name, str) else "")]
    return ", ".join(parts)


def _shown(part: int | str) -> str:
    """A part of a place: what the file made up itself is cut and escaped."""
    if isinstance(part, int):
        return f"number {part + 1}"
    return part if part.isidentifier() and len(part) < 40 else ascii(part[:40])
