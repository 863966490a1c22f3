"""Every question that was put to a reasoner, and every one that was denied before: who asked what, and what came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import ValidationError

from void_audit.identity.registry import KeyRegistry
from void_audit.model.base import BlobRef, Value
from void_audit.model.decision import PolicyDecision
from void_audit.model.proof import StoredEntry
from void_audit.model.records import (
    Intent,
    Kind,
    PolicyDecisionRecord,
    Predicate,
    Query,
    ReasoningRecord,
    RefusedReply,
    Source,
)
from void_audit.model.request import EditRequest
from void_audit.policy.evaluate import denies

V = TypeVar("V", bound=Value)
ReadBlob = Callable[[BlobRef], bytes | None]
Outcome = Literal["answered", "refused-reply", "no-answer", "denied"]

KINDS = (
    Kind.SOURCE, Kind.INTENT, Kind.POLICY_DECISION, Kind.QUERY, Kind.REASONING, Kind.REFUSED_REPLY,
)  # fmt: skip
"""Records that tell of questions."""


@dataclass
class Question:
    """One question as the log tells it. Words of people are empty where they are not at hand."""

    entry: int
    """The query; where the request was denied before there was one, its denial."""
    when: str
    """By the clock of whoever signed the entry."""
    holder: str
    """Whose it is: the first key that they were enrolled with."""
    edit: str
    clip: str
    """SHA-256 of the source."""
    shape: str
    engine: str
    """What was asked; empty where the request was denied before anything was chosen."""
    is_model: bool = False
    remote: bool = False
    object: str = ""
    instruction: str = ""
    at_hand: bool = True
    """Whether the request's own words can be read here."""
    verdict: str = ""
    """``allow`` or ``deny``; empty where nothing was decided, so nothing was put."""
    rules: tuple[str, ...] = ()
    """Where it was denied, the rules that did."""
    outcome: Outcome = "no-answer"
    code: str = ""
    """Why a reply was refused."""
    settled: int | None = None
    """Entry of the answer or of the refusal."""


@dataclass
class _Edit:
    """What the records of one edit said so far."""

    clip: str = ""
    shape: str = ""
    intent: Intent | None = None
    holder: str = ""
    question: Question | None = None
    """The one that waits for a verdict or an answer."""
    words: EditRequest | None = field(default=None, repr=False)


def questions(entries: Iterable[StoredEntry], registry: KeyRegistry, read: ReadBlob) -> Iterator[Question]:
    """Questions in log order, each complete.

    Args:
        entries: records of ``KINDS`` in log order, of any number of edits.
        registry: the log's keys.
        read: a blob's content; None if it is not there.
    """
    edits: dict[str, _Edit] = {}
    found: list[Question] = []
    for entry in entries:
        record = entry.statement.predicate
        known = edits.setdefault(str(record.edit), _Edit())
        new = _told(entry, record, known, registry, read)
        if new is not None:
            found.append(new)
    yield from found


def _told(
    entry: StoredEntry, record: Predicate, known: _Edit, registry: KeyRegistry, read: ReadBlob
) -> Question | None:
    """Take one record in; the question that it begins, if any."""
    match record:
        case Source():
            subjects = {s.name: s.digest.get("sha256", "") for s in entry.statement.subjects}
            known.clip = subjects.get("source", "")
            clip = record.clip
            known.shape = f"{clip.width}x{clip.height}, {clip.frames} frames"
        case Intent():
            known.intent, known.words = record, _value(read, record.request, EditRequest)
            known.holder = registry.holder_of(record.requester)
        case Query():
            holder = next(iter(registry.holders_of(entry.key_ids)), known.holder)
            engine = f"{record.engine.name} {record.engine.version}"
            known.question = _question(entry, known, holder, engine)
            known.question.is_model = record.engine.kind == "model"
            known.question.remote = record.engine.remote
            return known.question
        case PolicyDecisionRecord(stage="intent", verdict="deny"):
            denied = _question(entry, known, known.holder, "")
            _decided(denied, record, read)
            return denied
        case PolicyDecisionRecord(stage="reason") if known.question is not None:
            _decided(known.question, record, read)
        case ReasoningRecord() | RefusedReply() if known.question is not None:
            accepted = isinstance(record, ReasoningRecord)
            known.question.outcome = "answered" if accepted else "refused-reply"
            known.question.code = record.code if isinstance(record, RefusedReply) else ""
            known.question.settled = entry.index
            known.question = None
    return None


def _question(entry: StoredEntry, known: _Edit, holder: str, engine: str) -> Question:
    words = known.words
    return Question(
        entry=entry.index,
        when=entry.statement.predicate.claimed_time,
        holder=holder,
        edit=str(entry.statement.predicate.edit),
        clip=known.clip,
        shape=known.shape,
        engine=engine,
        object=words.object if words else "",
        instruction=words.instruction if words else "",
        at_hand=words is not None,
    )


def _decided(question: Question, record: PolicyDecisionRecord, read: ReadBlob) -> None:
    question.verdict = record.verdict
    if record.verdict == "allow":
        return
    decision = _value(read, record.decision, PolicyDecision)
    denying = tuple(f"{o.pack}/{o.rule}" for o in decision.outcomes if denies(o)) if decision else ()
    question.rules, question.outcome = denying or record.fired, "denied"


def _value(read: ReadBlob, ref: BlobRef, kind: type[V]) -> V | None:
    content = read(ref)
    try:
        return kind.model_validate_json(content) if content is not None else None
    except ValidationError:
        return None
