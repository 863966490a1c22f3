"""Read a request: a folder with the clip, ``prompt.json`` and ``edit.yaml``, or a VOID sequence folder.

Everything in it is hostile until checked: sizes are bounded, unknown keys are refused, and no path may
leave the folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from void_audit.canon.hashing import sha256_file, sha256_hex
from void_audit.errors import RequestError
from void_audit.model.request import EditRequest

MAX_TEXT_FILE = 64 * 1024
MASK_NAMES = ("quadmask_0.mp4", "trimask_quadmask.mp4", "quadmask.mkv")
CLIP_NAMES = ("input_video.mp4", "clip.mp4")
EXAMPLE_YAML = "see `void-audit plan --help` for an example"


@dataclass(frozen=True)
class RequestFolder:
    """A request, read and checked as far as is possible without decoding the clip."""

    clip: Path
    prompt: bytes
    request: EditRequest
    mask: Path | None = None

    def fingerprint(self) -> str:
        """Digest of everything that was asked for: the same request again resumes the same edit."""
        parts = [sha256_file(self.clip), sha256_hex(self.prompt), self.request.model_dump_json()]
        parts.append(sha256_file(self.mask) if self.mask else "no mask")
        return sha256_hex("\n".join(parts).encode())


@dataclass(frozen=True)
class Given:
    """What options or the workspace say where the folder is silent; options win over the folder."""

    options: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


def read_request(folder: Path, given: Given | None = None) -> RequestFolder:
    """Read a request folder.

    Raises:
        RequestError: anything missing, malformed or unknown, with the place and the value.
    """
    given = given or Given()
    if not folder.is_dir():
        raise RequestError("request-missing", f"{folder} is not a folder.", f"Give a folder; {EXAMPLE_YAML}.")
    prompt = read_bounded(folder / "prompt.json", "prompt-missing")
    background = parse_prompt(prompt)
    fields = _edit_fields(folder)
    clip = _inside(folder, fields.pop("clip", None), CLIP_NAMES, "clip")
    mask = _optional_mask(folder, fields.pop("mask", None))
    fields = {**given.defaults, **fields, **given.options, "background": background}
    if mask is not None:
        fields.setdefault("object", "the masked object")
        fields.setdefault("instruction", "Remove what the supplied quadmask marks.")
    request = _validate(fields)
    if mask is None and not any(click.label == "object" for click in request.clicks):
        raise RequestError(
            "clicks-none",
            "The request has no click on the object and no mask.",
            "Add at least one entry under `clicks:` in edit.yaml, or a quadmask_0.mp4.",
        )
    return RequestFolder(clip=clip, prompt=prompt, request=request, mask=mask)


def parse_prompt(data: bytes) -> str:
    """The ``bg`` text of VOID's ``prompt.json``: exactly one key, a sentence.

    Raises:
        RequestError: ``prompt-json``, ``prompt-keys`` or ``prompt-empty``.
    """
    try:
        prompt = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            "prompt-json", f"prompt.json is not JSON: {error}.", 'Write {"bg": "..."}.'
        ) from None
    if not isinstance(prompt, dict) or set(prompt) != {"bg"}:
        keys = sorted(map(str, prompt)) if isinstance(prompt, dict) else type(prompt).__name__
        raise RequestError(
            "prompt-keys",
            f"prompt.json must hold the key `bg` and no other; it holds {keys}.",
            'Write {"bg": "<the scene after the edit>"}.',
        )
    text = prompt["bg"]
    if not isinstance(text, str) or len(text.split()) < 2:
        raise RequestError(
            "prompt-empty",
            f"prompt.json: bg is {text!r}, which describes nothing.",
            "Describe in a sentence what is to be seen after the edit.",
        )
    return text


def read_bounded(path: Path, missing: str) -> bytes:
    """A small text file. Raises RequestError if it is absent or larger than 64 KiB."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_TEXT_FILE + 1)
    except OSError as error:
        raise RequestError(missing, f"{path} cannot be read: {error.strerror}.", "Add the file.") from None
    if len(data) > MAX_TEXT_FILE:
        raise RequestError("request-too-large", f"{path} is larger than 64 KiB.", "Shorten it.")
    return data


def _edit_fields(folder: Path) -> dict[str, Any]:
    path = folder / "edit.yaml"
    if not path.exists() and any((folder / name).exists() for name in MASK_NAMES):
        return {}
    data = read_bounded(path, "request-missing")
    try:
        fields = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RequestError("request-yaml", f"{path} is not YAML: {error}", EXAMPLE_YAML) from None
    if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
        raise RequestError("request-schema", f"{path} must be a mapping of names to values.", EXAMPLE_YAML)
    if "background" in fields:
        raise RequestError("request-schema", f"{path}: background belongs in prompt.json.", "Move it there.")
    return fields


def _validate(fields: dict[str, Any]) -> EditRequest:
    """Strict, through JSON, so that YAML lists become tuples and times become text first."""
    try:
        return EditRequest.model_validate_json(json.dumps(fields, default=_time_text))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'edit.yaml'}: {e['msg']}" for e in error.errors()[:5]
        )
        raise RequestError("request-schema", f"edit.yaml: {problems}.", EXAMPLE_YAML) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError("request-schema", f"edit.yaml: {error}.", EXAMPLE_YAML) from None


def _time_text(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)
    if isoformat is None:
        raise TypeError(f"{value!r} is of a kind that is not understood")
    return str(isoformat())


def _inside(folder: Path, name: object, usual: tuple[str, ...], what: str) -> Path:
    """The file called ``name`` (or one of the usual names), which must lie inside the folder."""
    names = (name,) if isinstance(name, str) else usual
    for candidate in names:
        path = folder / candidate
        if not path.resolve().is_relative_to(folder.resolve()):
            raise RequestError("request-path", f"{what}: {candidate} lies outside {folder}.", "Move it in.")
        if path.is_file():
            return path
    raise RequestError(
        f"{what}-missing", f"{folder} has no {' or '.join(names)}.", f"Add it, or name it as `{what}:`."
    )


def _optional_mask(folder: Path, name: object) -> Path | None:
    present = isinstance(name, str) or any((folder / usual).exists() for usual in MASK_NAMES)
    return _inside(folder, name, MASK_NAMES, "mask") if present else None


__all__ = ["Given", "RequestFolder", "parse_prompt", "read_request"]
