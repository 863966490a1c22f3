"""Read a request: a folder with the clip, ``prompt.json`` and ``edit.yaml``, or a VOID sequence folder.

Everything in it is hostile until checked: sizes are bounded, unknown keys are refused, and no path may
leave the folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from void_audit.canon import jcs
from void_audit.canon.hashing import sha256_file, sha256_hex
from void_audit.canon.strict_yaml import yaml_to_json
from void_audit.errors import RequestError
from void_audit.media.maskfind import find_mask
from void_audit.model.request import EditRequest
from void_audit.model.seeing import Seeing

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MAX_TEXT_FILE = 64 * 1024
CLIP_NAMES = ("input_video.mp4", "clip.mp4")
EXAMPLE_YAML = "see `void-audit plan --help` for an example"
LEFT_TO_OPTIONS = {
    "requester": "--requester NAME",
    "purpose": "--purpose TEXT",
    "asset_class": "--asset-class CLASS",
}
"""Fields that may be missing in a folder, and the options that give them."""
KNOWN = ("clip", "mask", "supplied", *(name for name in EditRequest.model_fields if name != "background"))
"""What edit.yaml may say; ``background`` stands in prompt.json."""


@dataclass(frozen=True)
class RequestFolder:
    """A request, read and checked as far as is possible without decoding the clip."""

    clip: Path
    prompt: bytes
    request: EditRequest
    mask: Path | None = None
    """A file, or a folder of several (binary masks, PNG files)."""
    supplied: Path | None = None
    """A clip whose pictures are to be put in (operation ``replace``)."""

    def fingerprint(self, seeing: Seeing | None = None) -> str:
        """Digest of everything that was asked for: the same request again resumes the same edit.

        Looked at by other engines (``seeing``) it is another edit.
        """
        parts = [sha256_file(self.clip), sha256_hex(self.prompt), self.request.model_dump_json()]
        parts.append(_digests(self.mask) if self.mask else "no mask")
        parts.append(self.supplied_digest() or "no supplied clip")
        parts.append((seeing or Seeing()).model_dump_json())
        return sha256_hex("\n".join(parts).encode())

    def supplied_digest(self) -> str | None:
        """SHA-256 of the supplied clip."""
        return sha256_file(self.supplied) if self.supplied else None


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
    prompt = _read_bounded(_inside(folder, ("prompt.json",), "prompt", "Add the file."))
    background = parse_prompt(prompt)
    fields = _edit_fields(folder)
    clip = _named(folder, fields.pop("clip", None), CLIP_NAMES, "clip")
    mask = _optional_mask(folder, fields.pop("mask", None), clip)
    supplied = _supplied(folder, fields)
    fields = {**given.defaults, **fields, **given.options, "background": background}
    if mask is not None:
        fields.setdefault("object", "the masked object")
        fields.setdefault("instruction", "Remove what the supplied quadmask marks.")
    request = _validate(fields)
    if mask is None and not request.boxes and not any(click.label == "object" for click in request.clicks):
        raise RequestError(
            "clicks-none",
            "The request has no click on the object, no box and no mask.",
            "Add at least one entry under `clicks:` or `boxes:` in edit.yaml, or a quadmask_0.mp4.",
        )
    return RequestFolder(clip=clip, prompt=prompt, request=request, mask=mask, supplied=supplied)


def parse_prompt(data: bytes) -> str:
    """The ``bg`` text of VOID's ``prompt.json``: exactly one key, a sentence.

    Raises:
        RequestError: ``prompt-json``, ``prompt-keys`` or ``prompt-empty``.
    """
    try:
        prompt = jcs.parse(data, MAX_TEXT_FILE, error=RequestError)
    except RequestError as error:
        raise RequestError("prompt-json", f"prompt.json: {error.message}", 'Write {"bg": "..."}.') from None
    if not isinstance(prompt, dict) or set(prompt) != {"bg"}:
        keys = sorted(prompt)[:10] if isinstance(prompt, dict) else type(prompt).__name__
        raise RequestError(
            "prompt-keys",
            f"prompt.json must hold the key `bg` and no other; it holds {keys}.",
            'Write {"bg": "<the scene after the edit>"}.',
        )
    text = prompt["bg"]
    if not isinstance(text, str) or sum(any(map(str.isalnum, word)) for word in text.split()) < 2:
        raise RequestError(
            "prompt-empty",
            f"prompt.json: bg is {str(text)[:80]!r}, which describes nothing.",
            "Describe in a sentence what is to be seen after the edit.",
        )
    return text


def _read_bounded(path: Path) -> bytes:
    """A small text file. Raises RequestError if it cannot be read or is larger than 64 KiB."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_TEXT_FILE + 1)
    except OSError as error:
        raise RequestError(
            "request-unreadable", f"{path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    if len(data) > MAX_TEXT_FILE:
        raise RequestError("request-too-large", f"{path} is larger than 64 KiB.", "Shorten it.")
    return data


def _edit_fields(folder: Path) -> dict[str, Any]:
    """``edit.yaml`` as plain data: no aliases, no tags, no key twice; a folder with a mask may do without."""
    if not (folder / "edit.yaml").exists() and find_mask(folder).paths != (folder,):
        return {}
    data = _read_bounded(_inside(folder, ("edit.yaml",), "request", EXAMPLE_YAML))
    fields = json.loads(yaml_to_json(data, _not_plain))
    if not isinstance(fields, dict):
        raise RequestError("request-schema", "edit.yaml must be a mapping of names to values.", EXAMPLE_YAML)
    if "background" in fields:
        raise RequestError(
            "request-schema", "edit.yaml: background belongs in prompt.json.", "Move it there."
        )
    return fields


def _not_plain(reason: str) -> RequestError:
    return RequestError("request-yaml", f"edit.yaml is refused: {reason}.", EXAMPLE_YAML)


def _validate(fields: dict[str, Any]) -> EditRequest:
    """Strict, through JSON, in which times are text and YAML's lists become tuples."""
    try:
        return EditRequest.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        problems = "; ".join(f"{_place(e['loc'])}: {_said(e)}" for e in error.errors()[:5])
        raise RequestError(
            "request-schema", f"The request is refused: {problems}.", _way_out(error)
        ) from None


def _said(error: ErrorDetails) -> str:
    """What is wrong with a field, in the words of edit.yaml; a misspelt name with the one that was meant."""
    if error["type"] == "missing":
        return "is missing"
    if error["type"] != "extra_forbidden":
        return error["msg"]
    name = str(error["loc"][-1])[:40]
    meant = get_close_matches(name, KNOWN) if len(error["loc"]) == 1 else []
    return f"there is no such field; {meant[0]} may be meant" if meant else "there is no such field"


def _way_out(error: ValidationError) -> str:
    """Fields that a folder may leave to the command are named with their options."""
    missing = {e["loc"][0] for e in error.errors() if e["type"] == "missing" and len(e["loc"]) == 1}
    options = [option for field, option in LEFT_TO_OPTIONS.items() if field in missing]
    if not options:
        return EXAMPLE_YAML
    return f"write it into edit.yaml, or give {', '.join(options)} (defaults: settings.toml)"


def _place(location: tuple[str | int, ...]) -> str:
    """Where in the request; ``background`` is the ``bg`` of prompt.json."""
    name = ".".join(map(str, location))[:80] or "edit.yaml"
    return "prompt.json: bg" if name == "background" else f"edit.yaml: {name}"


def _named(folder: Path, name: object, usual: tuple[str, ...], what: str) -> Path:
    """The file called ``name`` in edit.yaml, or the one with a usual name."""
    if name is not None and not isinstance(name, str):
        raise RequestError("request-schema", f"edit.yaml: {what} is not the name of a file.", EXAMPLE_YAML)
    hint = f"Add it, or name it as `{what}:` in edit.yaml."
    return _inside(folder, usual if name is None else (name,), what, hint)


def _inside(folder: Path, names: tuple[str, ...], what: str, hint: str) -> Path:
    """The first of ``names`` that is a file, neither a pipe nor a device; it must lie inside the folder."""
    for name in names:
        path = folder / name
        try:
            inside, found = path.resolve().is_relative_to(folder.resolve()), path.is_file()
        except (OSError, ValueError, RuntimeError):  # too long, a zero character, a loop of links
            raise RequestError("request-path", f"{what}: {name[:80]!r} names no file.", hint) from None
        if not inside:
            raise RequestError(
                "request-path", f"{what}: {name[:80]!r} lies outside {folder}.", "Move it into the folder."
            )
        if found:
            return path
    listed = " or ".join(name[:80] for name in names)
    raise RequestError(f"{what}-missing", f"{folder} has no file {listed}.", hint)


def _supplied(folder: Path, fields: dict[str, Any]) -> Path | None:
    """The clip that ``supplied:`` names: given if, and only if, something is to be replaced."""
    name = fields.pop("supplied", None)
    if (name is not None) != (fields.get("operation") == "replace"):
        raise RequestError(
            "supplied-clip",
            "`supplied:` (a clip) and `operation: replace` go together, and one of them is missing.",
            "Name the clip whose pictures are to be put in, or ask for another operation.",
        )
    return None if name is None else _named(folder, name, (), "supplied")


def _optional_mask(folder: Path, name: object, clip: Path) -> Path | None:
    """The mask that edit.yaml names (a file, or a folder of PNG files), or that VOID's own code would find."""
    if name is not None:
        if not isinstance(name, str) or not _is_folder(folder / name[:255]) or name in {"", "."}:
            return _named(folder, name, (), "mask")
        if folder.resolve() not in (folder / name).resolve().parents:
            raise RequestError(
                "request-path", f"mask: {name[:80]!r} lies outside {folder}.", "Move it into the folder."
            )
        return folder / name
    found = [path for path in find_mask(folder).paths if path not in {folder, clip}]
    inside = [_inside(folder, (path.name,), "mask", "Put it into the folder.") for path in found]
    return None if not inside else inside[0] if len(inside) == 1 else folder


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # too long, a zero character, a loop of links
        return False


def _digests(mask: Path) -> str:
    """SHA-256 of a mask's file, or of its files by name."""
    files = sorted(p for p in mask.iterdir() if p.is_file()) if mask.is_dir() else [mask]
    return ",".join(sha256_file(path) for path in files)


__all__ = ["Given", "RequestFolder", "parse_prompt", "read_request"]
