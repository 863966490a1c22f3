"""The facts that policy must have seen, made again from the other records: invented ones prove nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from void_audit.audit.evidence import Evidence
from void_audit.audit.links import Pair, differing
from void_audit.canon import jcs
from void_audit.model.base import Value
from void_audit.model.facts import (
    EngineFacts,
    Facts,
    MaskFacts,
    OutputFacts,
    ReasoningFacts,
    SourceFacts,
)
from void_audit.model.lifecycle import EditState
from void_audit.model.plan import EditPlan
from void_audit.model.proof import StoredEntry
from void_audit.model.reasoning import Consequences
from void_audit.model.request import EditRequest
from void_audit.policy.facts import PARTS, request_facts
from void_audit.policy.words import words_of


class _Asked(Value):
    """What a file can tell of a question to a reasoner: fields of ``QueryFacts``."""

    engine: str
    is_model: bool
    remote: bool


LONGEST = timedelta(hours=1)
"""Between looking at the clock for the facts and signing the decision."""

ELSEWHERE = {"now", "extractor", "engine"}
"""``now`` has a bound and not one value; words are taken as was said; engines answer to obligation 11."""


def fact_problems(
    evidence: Evidence, entry: StoredEntry, stage: str, facts: Facts
) -> tuple[list[str], list[str]]:
    """Facts that the records state otherwise, and blobs without which that cannot be told."""
    problems: list[str] = []
    missing: list[str] = []
    parts = _parts_of(stage)
    for part in sorted(set(Facts.model_fields) - ELSEWHERE):
        said: Value | None = getattr(facts, part)
        if (said is not None) != (part in parts):
            problems.append(f"facts of {part} at stage {stage}: {'given' if said else 'left out'}")
            continue
        try:
            known = _known(evidence, entry, part, facts.extractor) if said is not None else None
        except LookupError as error:
            missing.append(f"facts of {part}: {error}")
            continue
        except ValueError as error:
            problems.append(f"facts of {part}: {str(error)[:200]}")
            continue
        if said is not None and known is not None:
            problems += differing(_fields(part, said, known))
    return problems + _clock(facts.now, entry), missing


def engine_problems(evidence: Evidence, stage: str, facts: Facts, plan: EditPlan) -> list[str]:
    """Facts of the engines that plan and records state otherwise. Approval of weights is judged anew."""
    if "engine" not in _parts_of(stage):
        return []
    if facts.engine is None:
        return ["policy was not told of the engines"]
    known = _engines(evidence.state, plan).model_copy(
        update={"weights_approved": facts.engine.weights_approved}
    )
    return differing(_fields("engine", facts.engine, known))


def _parts_of(stage: str) -> frozenset[str]:
    return {str(name): parts for name, parts in PARTS.items()}.get(stage, frozenset())


def _fields(part: str, said: Value, known: Value) -> list[Pair]:
    return [
        (f"the facts say {part}.{name}, the records otherwise", getattr(said, name), getattr(known, name))
        for name in type(known).model_fields
    ]


def _clock(now: datetime, entry: StoredEntry) -> list[str]:
    """Rights windows are judged at ``now``: it must be the clock of whoever signed the decision."""
    signed = datetime.fromisoformat(entry.statement.predicate.claimed_time)
    if signed.tzinfo is None or not timedelta(seconds=-1) <= signed - now <= LONGEST:
        return [f"the facts were seen at {now.isoformat()}, the decision was signed at {signed.isoformat()}"]
    return []


def _known(evidence: Evidence, entry: StoredEntry, part: str, extractor: int) -> Value | None:
    """A part of the facts from the records; None if the record is missing, which obligation 7 tells.

    Raises:
        LookupError: the file does not carry the blob that tells.
        ValueError: that blob is malformed, or contradicts its record.
    """
    state = evidence.state_before(entry.index)  # masks and prompts are revised: what counts is what then was
    if part == "request":
        return _request(evidence, entry, state, extractor) if state.intent else None
    if part == "reasoning":
        return _reasoning(evidence, extractor)
    if part == "query":
        return _query(state)
    return {"source": _source, "mask": _mask, "output": _output}[part](state)


def _request(evidence: Evidence, entry: StoredEntry, state: EditState, extractor: int) -> Value:
    intent = state.intent
    text = evidence.blob(intent.request) if intent else None
    if text is None or intent is None:
        raise LookupError("the request is not at hand")
    request = EditRequest.model_validate_json(text)
    summary = (request.operation, request.asset_class, request.distribution, len(request.clicks))
    if summary != (intent.operation, intent.asset_class, intent.distribution, intent.clicks):
        raise ValueError("the intent's summary is not that of the request")
    roles = evidence.registry.holder_roles_at(intent.requester, entry.index)
    request = request.model_copy(update={"background": _background(evidence, state)})
    names = [str(role) for role in roles]
    return request_facts(request, names, intent.supplied is not None, extractor)


def _background(evidence: Evidence, state: EditState) -> str:
    """The world after the edit as it was last confirmed before the decision."""
    text = evidence.blob(state.prompt) if state.prompt else None
    if text is None:
        raise LookupError("the prompt is not at hand")
    prompt = jcs.parse(text, len(text))
    if not isinstance(prompt, dict) or not isinstance(prompt.get("bg"), str):
        raise ValueError("the prompt has no text under bg")
    return str(prompt["bg"])


def _query(state: EditState) -> Value | None:
    """How often somebody asked before is in the operator's log, not in the file: it is taken as said."""
    query = state.query
    if query is None:
        return None
    return _Asked(engine=query.engine.name, is_model=query.engine.kind == "model", remote=query.engine.remote)


def _source(state: EditState) -> Value | None:
    if state.source is None:
        return None
    clip = state.source.clip
    return SourceFacts(
        stored=True,
        credentials=state.source.credentials,
        width=clip.width,
        height=clip.height,
        duration_seconds=clip.duration_seconds,
    )


def _mask(state: EditState) -> Value | None:
    if state.mask is None:
        return None
    schema, shares = state.mask.mask_schema, state.mask.statistics.max_share
    if len(shares) != len(schema.classes):
        raise ValueError("the mask's shares are not those of its schema's classes")
    return MaskFacts(
        removed_percent_max=100 * schema.share(shares, "removed"),
        affected_percent_max=100 * schema.share(shares, "affected"),
        deemphasized_percent_max=100 * schema.share(shares, "deemphasized"),
        replaced_percent_max=100 * schema.share(shares, "replaced"),
        opened_percent_max=100 * state.mask.statistics.max_opened_share,
        schema_name=schema.name,
        classes=tuple(c.name for c, share in zip(schema.classes, shares, strict=True) if share > 0),
        revisions=state.revisions,
    )


def _reasoning(evidence: Evidence, extractor: int) -> Value:
    record = evidence.state.reasoning
    if record is None:
        return ReasoningFacts(
            engine="supplied mask", is_model=False, confidence=0.0, affected=0, moving=0, words=()
        )
    text = evidence.blob(record.consequences)
    if text is None:
        raise LookupError("the reasoning is not at hand")
    found = Consequences.model_validate_json(text)
    told = (found.summary, found.scene_description, *(f"{a.noun} {a.why}" for a in found.affected))
    return ReasoningFacts(
        engine=record.engine.name,
        is_model=record.engine.kind == "model",
        confidence=found.confidence,
        affected=len(found.affected),
        moving=sum(a.will_move for a in found.affected),
        words=words_of(*told, extractor=extractor),
    )


def _engines(state: EditState, plan: EditPlan) -> EngineFacts:
    segmenter = state.segmentation.engine if state.segmentation else None
    reasoner = state.reasoning.engine if state.reasoning else None
    weights = {w.sha256 for e in (segmenter, reasoner, plan.engine, plan.refiner) if e for w in e.weights}
    return EngineFacts(
        segmenter=segmenter.name if segmenter else "supplied mask",
        synthesizer=plan.engine.name,
        refiner=plan.refiner.name,
        counterfactual_dynamics=plan.engine.counterfactual_dynamics,
        executions=plan.executions,
        numerics=plan.numerics,
        weights=tuple(sorted(weights)),
        weights_approved=False,
    )


def _output(state: EditState) -> Value | None:
    if state.composite is None or state.output is None or state.source is None:
        return None
    return OutputFacts(
        keep_samples_changed=state.composite.keep_samples_changed,
        containment_worst=state.output.containment_worst,
        source_credentials_kept=state.source.credentials != "unreadable",
    )
