"""Options that several commands share, and how a request folder is read with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from void_audit.cli.workspace import Workspace
from void_audit.model.plan import EncoderSettings
from void_audit.workflow.drafting import Choices
from void_audit.workflow.request_folder import Given, RequestFolder, read_request


class RequestOptions:
    """For request folders that do not say it themselves (a VOID sequence folder)."""

    requester = Annotated[
        str | None, typer.Option("--requester", help="Who asks (default: edit.yaml, settings).")
    ]
    purpose = Annotated[str | None, typer.Option("--purpose", help="What the edit is for.")]
    asset_class = Annotated[
        str | None,
        typer.Option(
            "--asset-class", help="news, documentary, entertainment, advertising, evidence or archive."
        ),
    ]


class PlanOptions:
    """Choices that end up in the plan."""

    profile = Annotated[
        Literal["native", "384p"], typer.Option("--profile", help="Size at which pictures are synthesised.")
    ]
    codec = Annotated[Literal["h264", "ffv1"], typer.Option("--codec", help="Picture codec of the output.")]
    crf = Annotated[int, typer.Option("--crf", min=0, max=51, help="H.264 quality; lower is better.")]
    seed = Annotated[int, typer.Option("--seed", min=0, max=2**63, help="Seed of every random choice.")]


def choices(
    profile: Literal["native", "384p"], codec: Literal["h264", "ffv1"], crf: int, seed: int
) -> Choices:
    """Options as choices."""
    return Choices(profile=profile, seed=seed, encoder=EncoderSettings(codec=codec, crf=crf))


def read_folder(place: Workspace, folder: Path, **options: str | None) -> RequestFolder:
    """Read a request folder; options win over the folder, the folder over the workspace's defaults."""
    given = {name: value for name, value in options.items() if value is not None}
    return read_request(folder, Given(options=given, defaults=place.settings.defaults()))
