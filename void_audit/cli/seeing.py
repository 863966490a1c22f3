"""Options that say how footage is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Annotated, Literal, TypeVar

import typer
from pydantic import ValidationError

from void_audit.errors import RequestError
from void_audit.model.base import Value
from void_audit.model.seeing import (
    ClickSettings,
    ContactSettings,
    GeminiSettings,
    OpenAiSettings,
    ReasonerSettings,
    Sam2Settings,
    Sam2Size,
    Seeing,
    SegmenterSettings,
)

PANEL = "How the footage is looked at"
option = partial(typer.Option, rich_help_panel=PANEL)
of_model = partial(typer.Option, rich_help_panel="With --reasoner gemini or openai-compatible")
of_service = partial(typer.Option, rich_help_panel="What the service of such a reasoner takes")
of_plain = partial(typer.Option, rich_help_panel="Where that service knows no JSON schemas")
"""Apart: a second name takes so much of 80 columns that names beside it would be cut."""

OF_SAM2 = frozenset({"sam2_size", "sam2_model"})
OF_MODEL = frozenset(
    f"reasoner_{name}"
    for name in ("model", "url", "frames", "video", "seed", "timeout", "tokens", "structured")
)

V = TypeVar("V", bound=Value)


@dataclass(frozen=True)
class SeeingOptions:
    """What segments, and what reasons. All of it goes on record."""

    segmenter: Annotated[
        Literal["click", "sam2"], option("--segmenter", help="The embedded one, or SAM 2.1.")
    ] = "click"
    sam2_size: Annotated[Sam2Size, option("--sam2-size", help="Size of SAM 2.1.")] = "large"
    sam2_model: Annotated[
        str, option("--sam2-model", help="Folder of the model store (default: sam2.1-hiera-SIZE).")
    ] = ""
    reasoner: Annotated[
        Literal["contact", "gemini", "openai-compatible"],
        option("--reasoner", help="Embedded rules; Gemini (GEMINI_API_KEY); or a server of your own."),
    ] = "contact"
    reasoner_model: Annotated[
        str | None, of_model("--reasoner-model", help="Which model is asked, exactly.")
    ] = None
    reasoner_url: Annotated[
        str | None, of_model("--reasoner-url", help="Address, such as http://localhost:8000/v1 for vLLM.")
    ] = None
    reasoner_frames: Annotated[
        int, of_model("--reasoner-frames", min=1, max=32, help="Pictures that it is shown.")
    ] = 10
    reasoner_video: Annotated[
        bool | None,
        of_service("--reasoner-video/--no-reasoner-video", help="Whether it is shown the clip, too."),
    ] = None
    reasoner_seed: Annotated[int, of_model("--reasoner-seed", min=0, max=2**31 - 1, help="Its seed.")] = 42
    reasoner_timeout: Annotated[
        float | None,
        of_model("--reasoner-timeout", min=1, max=3600, help="Seconds that it gets for an answer."),
    ] = None
    reasoner_tokens: Annotated[
        int | None,
        of_model("--reasoner-tokens", min=256, max=65_536, help="Tokens of its answer, thoughts included."),
    ] = None
    reasoner_structured: Annotated[
        bool,
        of_plain(
            " /--no-reasoner-structured",
            show_default=False,
            help="It is asked for JSON in words; the check of the reply is the same.",
        ),
    ] = True

    def seeing(self) -> Seeing:
        """The options as the workflow takes them.

        Raises:
            RequestError: ``option-unused`` if one would have no effect, ``option-missing``, ``option-value``.
        """
        self._insist_on_effect()
        return Seeing(segmenter=self._segmenter(), reasoner=self._reasoner())

    def _segmenter(self) -> SegmenterSettings:
        if self.segmenter == "click":
            return ClickSettings()
        given = {"size": self.sam2_size, "model": self.sam2_model or None}
        return checked(Sam2Settings, given)

    def _reasoner(self) -> ReasonerSettings:
        if self.reasoner == "contact":
            return ContactSettings()
        given = {
            "model": self.reasoner_model,
            "base_url": self.reasoner_url,
            "video": self.reasoner_video,
            "frames": self.reasoner_frames,
            "seed": self.reasoner_seed,
            "timeout": self.reasoner_timeout,
            "max_output_tokens": self.reasoner_tokens,
            "structured": self.reasoner_structured,
        }
        if self.reasoner == "gemini":
            return checked(GeminiSettings, given)
        if self.reasoner_model is None or self.reasoner_url is None:
            raise RequestError(
                "option-missing",
                f"--reasoner {self.reasoner} needs to know which model and where.",
                "Give --reasoner-model and --reasoner-url.",
            )
        return checked(OpenAiSettings, given)

    def _insist_on_effect(self) -> None:
        """No option is taken and then ignored."""
        defaults = {field.name: field.default for field in fields(self)}
        idle = OF_SAM2 if self.segmenter != "sam2" else frozenset()
        idle |= OF_MODEL if self.reasoner == "contact" else frozenset()
        for name in sorted(idle):
            if getattr(self, name) != defaults[name]:
                raise RequestError(
                    "option-unused",
                    f"--{name.replace('_', '-')} {getattr(self, name)} would have no effect.",
                    "Leave it out, or choose the --segmenter or --reasoner that it is for.",
                )


def checked(kind: type[V], given: Mapping[str, object]) -> V:
    """Settings of what was given (None: not). Raises RequestError ``option-value``, which repeats no address."""
    try:
        return kind.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0])
        if name == "base_url":
            raise RequestError(
                "option-value",
                "--reasoner-url is no address that may go on record.",
                "E.g. http://localhost:8000/v1, without user, password, query or fragment.",
            ) from None
        raise RequestError("option-value", f"{name}: {problem['msg']}.", "Correct the option.") from None
