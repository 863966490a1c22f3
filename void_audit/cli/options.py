"""Options that several commands share, and how a request folder is read with them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import typer

from void_audit.cli.workspace import Workspace
from void_audit.errors import RequestError
from void_audit.model.plan import (
    DeemphasizeSettings,
    EncoderSettings,
    FlowRefineSettings,
    NoRefineSettings,
    Pass1Settings,
    Pass2Settings,
    PropagateSettings,
    SizeProfile,
    SuppliedSettings,
    Windows,
)
from void_audit.model.void import (
    TRAINED_AREA,
    TRAINED_OVERLAP,
    TRAINED_WINDOW,
    ExecutionName,
    FlowName,
    Linears,
    NumericsName,
    VoidSettings,
    execution,
    void_pass1,
    void_pass2,
)
from void_audit.workflow.drafting import Choices
from void_audit.workflow.request_folder import Given, RequestFolder, read_request

R = TypeVar("R")
V = TypeVar("V", bound=VoidSettings)


@dataclass(frozen=True)
class RequestOptions:
    """For request folders that do not say it themselves (a VOID sequence folder)."""

    requester: Annotated[
        str | None, typer.Option("--requester", help="Who asks (default: edit.yaml, settings).")
    ] = None
    purpose: Annotated[str | None, typer.Option("--purpose", help="What the edit is for.")] = None
    asset_class: Annotated[
        str | None,
        typer.Option(
            "--asset-class", help="news, documentary, entertainment, advertising, evidence or archive."
        ),
    ] = None

    def read(self, place: Workspace, folder: Path) -> RequestFolder:
        """Read a request folder; options win over the folder, the folder over the workspace's defaults."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return read_request(folder, Given(options=given, defaults=place.settings.defaults()))


OF_MODEL = frozenset({"execution", "numerics", "dtype", "linears", "steps", "flow", "model", "model_pixels"})
"""Options that only a diffusion model obeys."""

of_model = partial(typer.Option, rich_help_panel="With --engine void or --refiner void")


@dataclass(frozen=True)
class PlanOptions:
    """Choices that end up in the plan."""

    engine: Annotated[
        Literal["propagate", "de-emphasize", "supplied", "void"] | None,
        typer.Option(
            "--engine",
            help="Pass 1: an embedded one (default: what the request needs), or Netflix's model.",
        ),
    ] = None
    refiner: Annotated[
        Literal["flow-refine", "void", "none"] | None,
        typer.Option(
            "--refiner",
            help="Pass 2: any follows any (default: flow-refine after propagate, void after void, else none).",
        ),
    ] = None
    treatment: Annotated[
        Literal["blur", "desaturate"],
        typer.Option("--treatment", help="How something is de-emphasized."),
    ] = "blur"
    strength: Annotated[
        float, typer.Option("--strength", min=0.01, max=1, help="How much it is de-emphasized.")
    ] = 1.0
    profile: Annotated[
        SizeProfile | None,
        typer.Option("--profile", help="Size of the pictures made (default: native, or model for void)."),
    ] = None
    execution: Annotated[
        ExecutionName,
        of_model("--execution", help="Exact, in little memory, faster, or a draft."),
    ] = "resident"
    numerics: Annotated[
        NumericsName,
        of_model("--numerics", help="As published, faults and all, or mended."),
    ] = "corrected"
    dtype: Annotated[
        Literal["bfloat16", "float32"],
        of_model("--dtype", help="Arithmetic of the model."),
    ] = "bfloat16"
    linears: Annotated[
        Linears,
        of_model("--linears", help="Linear layers of fast and draft; fp8 needs a GPU."),
    ] = "int8"
    steps: Annotated[
        int | None,
        of_model("--steps", min=1, max=1000, help="Steps of each pass (default: 30 and 50; draft 12)."),
    ] = None
    flow: Annotated[
        FlowName,
        of_model("--flow", help="Optical flow that moves pass 2's noise."),
    ] = "dis"
    model: Annotated[str, of_model("--model", help="Folder of the model store.")] = "void"
    model_pixels: Annotated[
        int,
        of_model("--model-pixels", min=4096, max=2**24, help="Pixels of a picture; fewer need less memory."),
    ] = TRAINED_AREA
    codec: Annotated[
        Literal["h264", "ffv1"], typer.Option("--codec", help="Picture codec of the output.")
    ] = "h264"
    crf: Annotated[int, typer.Option("--crf", min=0, max=51, help="H.264 quality; lower is better.")] = 15
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**63, help="Seed of every random choice.")] = 42

    def choices(self) -> Choices:
        """The options as the workflow takes them.

        Raises RequestError ``option-unused`` if one was given that would have no effect.
        """
        pass1, pass2 = self._pass1(), self._pass2()
        refiner = pass2.engine if pass2 else ""
        self._insist_on_effect(refiner)
        model = "void" in {self.engine, refiner}
        return Choices(
            profile=self.profile or ("model" if model else "native"),
            model_area=self.model_pixels,
            windows=Windows(length=TRAINED_WINDOW, overlap=TRAINED_OVERLAP) if model else Windows(),
            pass1=pass1,
            pass2=pass2,
            seed=self.seed,
            encoder=EncoderSettings(codec=self.codec, crf=self.crf),
        )

    def _insist_on_effect(self, refiner: str) -> None:
        """No option is taken and then ignored."""
        defaults = {field.name: field.default for field in fields(self)}
        unused = {
            "--engine void or --refiner void": "void" not in {self.engine, refiner} and OF_MODEL,
            "--refiner void": refiner != "void" and {"flow"},
            "--numerics corrected": self.numerics == "reference" and {"model_pixels"},
            "--engine de-emphasize": self.engine != "de-emphasize" and {"treatment", "strength"},
            "--execution fast or draft": self.execution not in {"fast", "draft"} and {"linears"},
        }
        for need, names in unused.items():
            given = [name for name in sorted(names or ()) if getattr(self, name) != defaults[name]]
            if given:
                option = "--" + given[0].replace("_", "-")
                raise RequestError(
                    "option-unused",
                    f"{option} {getattr(self, given[0])} would have no effect in this plan.",
                    f"It goes with {need}. Leave it out, or add that.",
                )

    def _pass1(self) -> Pass1Settings | None:
        """None: what the request needs."""
        if self.engine == "void":
            return self._chosen(void_pass1(self.numerics, execution(self.execution, self.linears)))
        if self.engine == "de-emphasize":
            return DeemphasizeSettings(treatment=self.treatment, strength=self.strength)
        plain: dict[str | None, Pass1Settings] = {
            "propagate": PropagateSettings(),
            "supplied": SuppliedSettings(clip="0" * 64),  # the digest is the request's to say
        }
        return plain.get(self.engine)

    def _pass2(self) -> Pass2Settings | None:
        if self.refiner == "void" or (self.refiner is None and self.engine == "void"):
            how = execution(self.execution, self.linears)
            return self._chosen(void_pass2(self.numerics, how, self.flow))
        plain: dict[str | None, Pass2Settings] = {
            "none": NoRefineSettings(),
            "flow-refine": FlowRefineSettings(),
        }
        return plain.get(self.refiner)

    def _chosen(self, settings: V) -> V:
        changes = {"model": self.model, "dtype": self.dtype, "steps": self.steps or settings.steps}
        return settings.model_copy(update=changes)


def with_options(command: Callable[..., R]) -> Callable[..., R]:
    """Let a command take dataclasses of options: each field becomes an option of its own.

    Typer reads options from a function's signature, so the signature is what is rewritten.
    """
    signature = inspect.signature(command)
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters = [
        new
        for name, old in signature.parameters.items()
        for new in (_options(groups[name]) if name in groups else [old.replace(annotation=hints[name])])
    ]

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> R:  # noqa: ANN401
        bundles = {
            name: kind(**{f.name: kwargs.pop(f.name) for f in fields(kind)}) for name, kind in groups.items()
        }
        return command(*args, **bundles, **kwargs)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _options(kind: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(f.name, keyword, default=f.default, annotation=hints[f.name]) for f in fields(kind)
    ]
