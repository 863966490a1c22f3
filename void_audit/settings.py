"""The one place that reads the environment and TOML.

VOID_AUDIT_WORKSPACE          the workspace folder (default: the nearest .void-audit upwards from here)
VOID_AUDIT_MODELS             where model files are kept (default: ~/.cache/void-audit/models)
VOID_AUDIT_PASSPHRASE         opens keys when nobody can be asked
VOID_AUDIT_PASSPHRASE_<NAME>  the same for one person's key (upper case, - as _)
VOID_AUDIT_PIN                opens the PKCS#11 token of the log's or the seal's key; never a passphrase above
SSH_AUTH_SOCK                 the ssh-agent that holds people's keys
GEMINI_API_KEY                for --reasoner gemini
VOID_AUDIT_REASONER_KEY       for --reasoner openai-compatible, where the server wants one
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from void_audit.errors import WorkspaceError
from void_audit.model.base import Name, Text, Value

FOLDER = ".void-audit"
FILE = "settings.toml"


@dataclass(frozen=True)
class Environment:
    """What the environment says."""

    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    here: Path = field(default_factory=Path.cwd)

    def workspace(self) -> Path:
        """The workspace folder; it need not exist."""
        named = self.variables.get("VOID_AUDIT_WORKSPACE")
        if named:
            return Path(named)
        for folder in (self.here, *self.here.parents):
            if (folder / FOLDER / FILE).is_file():
                return folder / FOLDER
        return self.here / FOLDER

    def models(self) -> Path:
        """The model store."""
        named = self.variables.get("VOID_AUDIT_MODELS")
        return Path(named) if named else Path.home() / ".cache" / "void-audit" / "models"

    def passphrase(self, holder: str) -> str | None:
        """The passphrase given for one holder's key, if any."""
        own = "VOID_AUDIT_PASSPHRASE_" + holder.upper().replace("-", "_")
        return self.variables.get(own) or self.variables.get("VOID_AUDIT_PASSPHRASE")

    def pin(self) -> str | None:
        """The PIN of a token. Wrong ones are counted by the token, so no passphrase is ever tried in its place."""
        return self.variables.get("VOID_AUDIT_PIN") or None

    def ssh_agent(self) -> Path | None:
        """The socket of the person's ssh-agent, if there is one."""
        named = self.variables.get("SSH_AUTH_SOCK")
        return Path(named) if named else None

    def gemini_key(self) -> str | None:
        """The key of Google's service. It goes nowhere but there."""
        return self.variables.get("GEMINI_API_KEY") or None

    def reasoner_key(self) -> str | None:
        """The key of another reasoning service: never one that was meant for somebody else's."""
        return self.variables.get("VOID_AUDIT_REASONER_KEY") or None


class WorkspaceSettings(Value):
    """``settings.toml`` of a workspace."""

    organisation: Name
    origin: Name
    """Name of the log and of its key."""
    packs: tuple[Name, ...]
    """Active rule packs: names of shipped ones, or paths relative to the workspace."""
    database: Text | None = None
    """The ledger's PostgreSQL database (``postgresql://role@host/name``, no password); default: SQLite here."""
    evidence: Text | None = None
    """Where the tiles of the log are exported to: a folder or an fsspec URL; default: ``evidence`` here."""
    timestamp_urls: tuple[Text, ...] = ()
    """RFC 3161 time-stamping authorities, in the order in which they are asked."""
    timestamp_hours: int = Field(default=24, ge=1, le=87_600)
    """After so many hours the next checkpoint is stamped."""
    requester: Name | None = None
    """Who asks where a request folder does not say."""
    purpose: Name | None = None
    asset_class: (
        Literal["news", "documentary", "entertainment", "advertising", "evidence", "archive"] | None
    ) = None

    def defaults(self) -> dict[str, str]:
        """Request fields that the workspace fills in."""
        given = {"requester": self.requester, "purpose": self.purpose, "asset_class": self.asset_class}
        return {name: value for name, value in given.items() if value is not None}


def read_settings(folder: Path) -> WorkspaceSettings:
    """Settings of a workspace. Raises WorkspaceError ``workspace-missing`` or ``settings-invalid``."""
    try:
        data = (folder / FILE).read_bytes()
    except OSError:
        raise WorkspaceError(
            "workspace-missing", f"There is no workspace at {folder}.", "Make one with `void-audit init`."
        ) from None
    try:
        return settings_from(tomllib.loads(data.decode()))
    except (ValueError, TypeError) as error:  # no UTF-8, no TOML, a date where none may be
        raise WorkspaceError("settings-invalid", f"{folder / FILE}: {error}.", "Correct the file.") from None


def settings_from(fields: Mapping[str, object]) -> WorkspaceSettings:
    """Checked settings. Raises WorkspaceError ``settings-invalid`` with each field that is not as it must be."""
    try:
        return WorkspaceSettings.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise WorkspaceError("settings-invalid", f"{FILE}: {problems}.", "Correct it.") from None


def write_settings(folder: Path, settings: WorkspaceSettings) -> None:
    """Write ``settings.toml``: flat, so that JSON strings and lists are TOML too."""
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=True)}"
        for name, value in settings.model_dump(mode="json").items()
        if value is not None
    ]
    (folder / FILE).write_text("\n".join(lines) + "\n")
