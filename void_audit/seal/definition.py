"""The manifest definition: what is claimed of a finished file, in C2PA's words (spec/c2pa 1.2).

Object removal is ``c2pa.opened``, ``c2pa.deleted``, ``c2pa.transcoded``. (``c2pa.removed`` means that a
component ingredient was taken out, which is something else.) Where something is toned down it is ``c2pa.filtered``, and
``c2pa.deleted`` besides if the mask takes something away, too; where another clip's pictures are put in,
``c2pa.placed`` with that clip as component.

The digital source type says how the pixels came about. A trained model that paints the gap makes a
``compositeWithTrainedAlgorithmicMedia``. The classical engine paints with pixels of the clip itself and
no trained model: its result is a ``composite``, IPTC's term that claims nothing about the parts. It is
not ``algorithmicallyEnhanced`` (the content changes), not ``compositeCapture`` (nothing is known of how
the source was made) and not ``humanEdits`` (no hand painted it). Where nothing is taken away and something only looks
otherwise, it is ``algorithmicallyEnhanced``.

``c2pa.ai-disclosure`` is written when a model made pixels and only then: an AI disclosure where there is
no AI would be as false as a missing one. What the classical engine is stands in the action itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from void_audit import __version__
from void_audit.model.engine import EngineInfo
from void_audit.model.plan import EditPlan
from void_audit.seal.base import EditedRegion, EmbeddedData, SealRequest

SPEC_VERSION = "2.4.0"
LEDGER_LABEL = "org.voidaudit.ledger"
PARENT = "parent"
"""Label by which the action ``c2pa.opened`` refers to the parent ingredient."""
SUPPLIED = "supplied"
"""Label by which the action ``c2pa.placed`` refers to the clip that was put in."""

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"

Json = dict[str, Any]


def manifest_definition(request: SealRequest) -> Json:
    """Everything of the manifest but its ingredients, which are added as streams."""
    assertions = [
        _created("c2pa.actions.v2", actions(request)),
        {**_created(LEDGER_LABEL, json.loads(request.assertion.model_dump_json())), "kind": "Json"},
    ]
    if _painted_by_model(request.plan):
        assertions.append({**_created("c2pa.ai-disclosure", disclosure(request)), "kind": "Json"})
    return {
        "title": request.destination.name,
        "claim_generator_info": [{"name": "void-audit", "version": __version__, "specVersion": SPEC_VERSION}],
        "assertions": assertions,
    }


def parent_ingredient(name: str, media_type: str) -> Json:
    """The source. It goes in first: otherwise readers call the media of unknown provenance."""
    return {"title": name, "format": media_type, "relationship": "parentOf", "label": PARENT}


def supplied_ingredient(media_type: str, sha256: str) -> Json:
    """The clip whose pictures were put in. C2PA keeps no hash of an ingredient's bytes, so its description names it."""
    return {
        "title": "supplied clip",
        "format": media_type,
        "relationship": "componentOf",
        "label": SUPPLIED,
        "description": f"SHA-256 {sha256}",
    }


def data_ingredient(data: EmbeddedData) -> Json:
    """Embedded data, stored as hash-bound ``c2pa.embedded-data``."""
    return {
        "title": data.title,
        "format": data.media_type,
        "relationship": "inputTo",
        "data": {"format": data.media_type, "identifier": data.title},
    }


def actions(request: SealRequest) -> Json:
    """``c2pa.actions.v2``: what was done, by what, where, and that this is all."""
    plan = request.plan
    source_type = digital_source_type(plan, request.removed)
    agents = [plan.engine] if plan.engine == plan.refiner else [plan.engine, plan.refiner]
    return {
        "actions": [
            {"action": "c2pa.opened", "parameters": {"ingredientIds": [PARENT]}},
            *(
                {
                    "action": action,
                    "digitalSourceType": source_type,
                    "description": describe(plan),
                    "softwareAgentIndex": 0,
                    "changes": changes(request.regions, request.frame_rate),
                    "parameters": {**_parameters(request), **_ingredients(action)},
                }
                for action, describe in _edits(request)
            ),
            {
                "action": "c2pa.transcoded",
                "digitalSourceType": source_type,
                "description": f"Encoded as {plan.encoder.codec}, crf {plan.encoder.crf}, {plan.encoder.preset}.",
            },
        ],
        "softwareAgents": [_agent(engine) for engine in agents],
        "allActionsIncluded": True,
    }


def _edits(request: SealRequest) -> list[tuple[str, Callable[[EditPlan], str]]]:
    """What was done to the picture, in C2PA's words, and how each is described."""
    engine = request.plan.pass1.engine
    if engine == "supplied":
        return [("c2pa.placed", _placement)]
    toned = engine == "de-emphasize"
    return [
        *([("c2pa.filtered", _filter)] if toned else []),
        *([("c2pa.deleted", _deletion)] if request.removed or not toned else []),
    ]


def _ingredients(action: str) -> Json:
    return {"ingredientIds": [SUPPLIED]} if action == "c2pa.placed" else {}


def changes(regions: Sequence[EditedRegion], frame_rate: str) -> list[Json]:
    """Regions as C2PA has them. No ``role``: the library cannot read back what it writes there."""
    rate = Fraction(frame_rate)
    return [
        {
            "region": [
                {
                    "type": "temporal",
                    "time": {
                        "type": "npt",
                        "start": _seconds(region.frames.start / rate),
                        "end": _seconds(region.frames.stop / rate),
                    },
                },
                {
                    "type": "spatial",
                    "shape": {
                        "type": "rectangle",
                        "unit": "pixel",
                        "origin": {"x": float(region.rect.x), "y": float(region.rect.y)},
                        "width": float(region.rect.width),
                        "height": float(region.rect.height),
                    },
                },
            ],
            "description": f"frames {region.frames.start} to {region.frames.stop - 1}",
        }
        for region in regions
    ]


def disclosure(request: SealRequest) -> Json:
    """``c2pa.ai-disclosure``: the model that painted, and how much people had to say."""
    engine = next(e for e in (request.plan.engine, request.plan.refiner) if e.kind == "model")
    weights = {"modelIdentifier": f"sha256:{engine.weights[0].sha256}"} if engine.weights else {}
    return {
        "modelType": "c2pa.types.model",
        "modelName": f"{engine.name} {engine.version}",
        **weights,
        "contentProfile": {"humanOversightLevel": oversight(request.approved)},
    }


def oversight(approved: bool) -> str:
    """C2PA's level of human oversight. Only an approval in the ledger supports ``human_validated``."""
    return "human_validated" if approved else "prompt_guided"


def digital_source_type(plan: EditPlan, removed: bool = True) -> str:
    """IPTC's term for the finished pixels (see the head of this module)."""
    if _painted_by_model(plan):
        return _IPTC + "compositeWithTrainedAlgorithmicMedia"
    only_toned = plan.pass1.engine == "de-emphasize" and not removed
    return _IPTC + ("algorithmicallyEnhanced" if only_toned else "composite")


def dynamics(engine: EngineInfo) -> str:
    """Whether things could have been made to move otherwise, in the words that every report uses."""
    return f"counterfactual dynamics: {'yes' if engine.counterfactual_dynamics else 'no'}"


def _deletion(plan: EditPlan) -> str:
    how = (
        "infill by a trained generative model"
        if _painted_by_model(plan)
        else f"{plan.engine.kind} infill, no generative model"
    )
    return f"An object was removed; {how}. {plan.engine.name}; {dynamics(plan.engine)}."


def _filter(plan: EditPlan) -> str:
    return f"Something was toned down where it is; its content stays. {plan.engine.description}"


def _placement(plan: EditPlan) -> str:
    return f"Pictures of a supplied clip were put in; who or what made them is not known here. {plan.engine.name}."


def _parameters(request: SealRequest) -> Mapping[str, str]:
    """Our own parameters. Their names must hold a dot (conformance)."""
    plan = request.plan
    return {
        "org.voidaudit.edit": plan.edit,
        "org.voidaudit.source": plan.source,
        "org.voidaudit.mask": plan.mask.root,
        "org.voidaudit.engineKind": plan.engine.kind,
        "org.voidaudit.engineDescription": plan.engine.description,
        "org.voidaudit.counterfactualDynamics": "yes" if plan.engine.counterfactual_dynamics else "no",
        "org.voidaudit.humanOversight": oversight(request.approved),
        **model_parameters(plan),
    }


def model_parameters(plan: EditPlan) -> dict[str, str]:
    """How the passes of a diffusion model were computed; nothing where there is none."""
    if not plan.models:
        return {}
    return {
        "org.voidaudit.execution": ", ".join(plan.executions),
        "org.voidaudit.numerics": ", ".join(plan.numerics),
    }


def _agent(engine: EngineInfo) -> Json:
    return {
        "name": engine.name,
        "version": engine.version,
        "org.voidaudit.kind": engine.kind,
        "org.voidaudit.weights": [f"{w.name} sha256:{w.sha256}" for w in engine.weights],
    }


def _painted_by_model(plan: EditPlan) -> bool:
    return "model" in (plan.engine.kind, plan.refiner.kind)


def _created(label: str, data: Json) -> Json:
    """An assertion made by us; without ``created`` it counts as gathered from elsewhere."""
    return {"label": label, "created": True, "data": data}


def _seconds(time: Fraction) -> str:
    return f"{float(time):.6f}".rstrip("0").rstrip(".")
