"""A house's own list of model folders: ``trust/models.toml`` of its workspace, part of what verifiers are given.

Entries are only ever added. An edit made with a model stays verifiable as long as the list names that model's
files, so another version of a model is registered under another name.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from void_audit.errors import WeightsError
from void_audit.media.atomic import whole_file
from void_audit.model.engine import Progress, no_progress
from void_audit.weights.folders import scan
from void_audit.weights.registry import HOUSE_BROKEN, FolderAbout, FolderFile, ModelFolder, with_house

FILE = "models.toml"
HEADER = "# Folders of model files that this house approves, by the SHA-256 of every file.\n"


def house_list(file: Path) -> str | None:
    """The list's text, or None where there is none. Raises WeightsError ``weights-registry``."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError("weights-registry", f"{file} cannot be read: {error}.", HOUSE_BROKEN) from None


def register(file: Path, about: FolderAbout, root: Path, progress: Progress = no_progress) -> ModelFolder:
    """Append the files that lie in ``root`` now to the list ``file``; what is in it already stays as it is.

    Raises:
        WeightsError: ``weights-name-taken``, ``weights-shadowed``, ``weights-registry``, and as ``scan`` does.
        StorageError: the disk is full or the file cannot be written.
    """
    text = house_list(file)
    if about.name in {entry.name for entry in with_house(text).folder}:
        raise WeightsError(
            "weights-name-taken",
            f"A model {about.name!r} is registered already.",
            "Give another version another name; what was made with the first one stays verifiable.",
        )
    folder = _folder(about, scan(root, progress))
    text = (text or HEADER) + toml(folder)
    with_house(text)
    with whole_file(file) as partial:
        partial.write_text(text, "utf-8")
    return folder


def _folder(about: FolderAbout, files: tuple[FolderFile, ...]) -> ModelFolder:
    try:
        return ModelFolder(**about.model_dump(), file=files)
    except ValidationError as error:
        raise WeightsError(
            "weights-name",
            f"{about.name}: {error.errors()[0]['msg']}.",
            "Rename or remove files, then repeat.",
        ) from None


def toml(folder: ModelFolder) -> str:
    """A folder as a block of TOML."""
    fields = folder.model_dump(exclude={"file"})
    lines = ["", "[[folder]]", *(f"{name} = {_literal(value)}" for name, value in fields.items())]
    for file in folder.file:
        lines += ["", "[[folder.file]]"]
        lines += [f"{name} = {_literal(value)}" for name, value in file.model_dump().items()]
    return "\n".join(lines) + "\n"


def _literal(value: object) -> str:
    """JSON's literals are TOML's, but for the one control character that JSON leaves as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
