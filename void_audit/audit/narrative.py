"""Records as a story that people can read: who, when, what, why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod
from typing import TypeVar

from pydantic import ValidationError

from void_audit.model.base import BlobRef, Text, Value
from void_audit.model.decision import PolicyDecision
from void_audit.model.facts import Facts
from void_audit.model.mask_edit import MaskEdits
from void_audit.model.proof import StoredEntry
from void_audit.model.reasoning import Consequences
from void_audit.model.records import (
    Approval,
    CompositeRecord,
    Erasure,
    ExchangeRecord,
    Intent,
    KeyEvent,
    MaskRecord,
    MaskRevision,
    Output,
    PassRecord,
    PlanRecord,
    PolicyDecisionRecord,
    Predicate,
    PromptRevision,
    Query,
    ReasoningRecord,
    RefusedReply,
    Rejection,
    SealRecord,
    Segmentation,
    Source,
)
from void_audit.model.request import EditRequest

V = TypeVar("V", bound=Value)
ReadBlob = Callable[[BlobRef], bytes | None]
TellErased = Callable[[BlobRef], str | None]
"""Of content that is not at hand: that it was erased, by which entry and why; None if nothing says so."""


class Line(Value):
    """One record. ``when`` is the signer's own clock; ``who`` a name where it is known, else a key."""

    index: int
    when: Text
    who: Text
    what: Text
    why: tuple[str, ...]


def narrate(
    entries: Sequence[StoredEntry],
    read: ReadBlob,
    names: Mapping[str, str],
    erased: TellErased = lambda ref: None,
) -> list[Line]:
    """Lines in log order. Content that is not at hand is said to be so, or erased, never invented."""
    teller = _Teller(read, names, erased)
    return [
        Line(
            index=entry.index,
            when=entry.statement.predicate.claimed_time,
            who=", ".join(teller.name(key) for key in entry.key_ids),
            what=str(entry.statement.kind),
            why=tuple(line[:2000] for line in teller.tell(entry.statement.predicate)),
        )
        for entry in entries
    ]


class _Teller:
    """Says what a record says; one method for each kind."""

    def __init__(self, read: ReadBlob, names: Mapping[str, str], erased: TellErased) -> None:
        self._read, self._names, self._erased = read, names, erased

    def name(self, key: str) -> str:
        return self._names.get(key, f"key {key[:16]}")

    @singledispatchmethod
    def tell(self, predicate: Predicate) -> list[str]:
        return [f"a {predicate.kind} record"]

    @tell.register
    def _(self, record: KeyEvent) -> list[str]:
        roles = ", ".join(record.roles)
        line = f"{record.action} {self.name(record.key)}" + (f" as {roles}" if roles else "")
        if record.replaces is not None:
            line += f"; it replaces {self.name(record.replaces)}"
        if record.compromised_since is not None:
            line += f"; suspect from entry {record.compromised_since} on"
        return [line]

    @tell.register
    def _(self, record: Erasure) -> list[str]:
        kind, _, name = record.subject.partition(":")
        whose = f"whoever holds key {name[:16]}" if kind == "key" else record.subject.replace(":", " ")
        what = f"erased {len(record.blobs)} blob(s) of {whose}"
        return [what, f"reason: {self._text(record.reason)}"]

    @tell.register
    def _(self, record: Source) -> list[str]:
        clip = record.clip
        size = f"{clip.width}x{clip.height}, {clip.frames} frames at {clip.frame_rate}"
        return [f"{size}, {clip.codec}; its own credentials: {record.credentials}"]

    @tell.register
    def _(self, record: Intent) -> list[str]:
        lines = [f"{record.operation}, {record.asset_class}, {record.clicks} click(s)"]
        request = self._value(record.request, EditRequest)
        if request is None:
            return [*lines, f"instruction: {self._absent(record.request)}"]
        return [
            *lines,
            f"object: {request.object}",
            f"instruction: {request.instruction}",
            f"purpose: {request.purpose}",
            f"world after the edit: {request.background}",
        ]

    @tell.register
    def _(self, record: PolicyDecisionRecord) -> list[str]:
        packs = ", ".join(f"{name} {digest[:12]}" for name, digest in record.packs.items())
        needs = f", {record.approvals_required} approval(s)" if record.approvals_required else ""
        lines = [f"stage {record.stage}: {record.verdict}{needs}; packs {packs or 'none'}"]
        decision = self._value(record.decision, PolicyDecision)
        if decision is None:
            return [*lines, f"reasons: {self._absent(record.decision)}"]
        applied = [o for o in decision.outcomes if o.fired or o.error]
        lines += self._asked_before(record)
        return lines + [f"{o.pack}/{o.rule} ({o.effect}): {o.because}" for o in applied]

    @tell.register
    def _(self, record: Segmentation) -> list[str]:
        low, middle, high = record.confidence
        engine = record.engine
        sure = f"confidence {low:.2f} to {high:.2f}, median {middle:.2f}"
        lines = [f"{engine.name} {engine.version} on {record.run.device}: {sure}"]
        if record.settings:
            lines.append("; ".join(f"{name} {value}" for name, value in sorted(record.settings.items())))
        lines += [f"weights {ref.name} {ref.sha256[:16]}" for ref in engine.weights]
        return [*lines, *(f"warning: {w}" for w in record.warnings)]

    @tell.register
    def _(self, record: Query) -> list[str]:
        where = "; pictures leave the machine" if record.engine.remote else ""
        settings = ", ".join(f"{name} {value}" for name, value in sorted(record.settings.items()))
        return [
            f"asked {record.engine.name} {record.engine.version}{where}",
            *([settings] if settings else []),
        ]

    @tell.register
    def _(self, record: RefusedReply) -> list[str]:
        return [
            f"{record.engine.name}: no usable answer ({record.code})",
            *_answered(record.exchange),
            f"reason: {self._text(record.reason)}",
        ]

    @tell.register
    def _(self, record: ReasoningRecord) -> list[str]:
        found = self._value(record.consequences, Consequences)
        lines = [f"{record.engine.name} ({record.engine.kind}): {record.affected} thing(s) affected"]
        safety = self._text(record.exchange.safety) if record.exchange.safety else "no verdict of its own"
        lines += [f"{line}; {safety}" for line in _answered(record.exchange)]
        warned = [f"warning: {w}" for w in record.warnings]
        if found is None:
            return [*lines, f"reasoning: {self._absent(record.consequences)}", *warned]
        lines.append(found.summary)
        for number, thing in enumerate(found.affected, 1):
            # Reasons that the summary gives are not said again.
            why = "" if thing.why in found.summary else f": {thing.why}"
            lines.append(f"{number}. {thing.noun}, frames {thing.frames.start}-{thing.frames.stop - 1}{why}")
        return [*lines, *warned]

    @tell.register
    def _(self, record: MaskRecord) -> list[str]:
        share = record.statistics.max_opened_share
        lines = [f"{record.origin}, root {record.identity.root[:16]}, opens at most {share:.1%} of a frame"]
        return [*lines, *record.changes]

    @tell.register
    def _(self, record: MaskRevision) -> list[str]:
        share = record.statistics.max_opened_share
        lines = [
            f"{record.origin}: {record.parent[:16]} became {record.identity.root[:16]}, which opens at most "
            f"{share:.1%} of a frame; at most {record.changed_percent_max:.2f} % of a frame changed"
        ]
        return [*lines, *self._note(record.edits), *record.changes]

    @tell.register
    def _(self, record: PromptRevision) -> list[str]:
        return [f"{record.origin}: {self._text(record.prompt)}"]

    @tell.register
    def _(self, record: PlanRecord) -> list[str]:
        return [f"plan {record.digest}"]

    @tell.register
    def _(self, record: Approval) -> list[str]:
        return [f"approved plan {record.plan[:16]}", *self._comment(record.comment)]

    @tell.register
    def _(self, record: Rejection) -> list[str]:
        return [f"rejected plan {record.plan[:16]}", *self._comment(record.comment)]

    @tell.register
    def _(self, record: PassRecord) -> list[str]:
        figures = ", ".join(f"{name} {value:g}" for name, value in record.statistics.items())
        dynamics = "yes" if record.engine.counterfactual_dynamics else "no"
        lines = [
            f"pass {record.number}, {record.engine.name}; counterfactual dynamics: {dynamics}; {figures}"
        ]
        lines += [f"{name}: {what}" for name, what in sorted(record.execution.items())]
        return [*lines, *(f"warning: {w}" for w in record.warnings)]

    @tell.register
    def _(self, record: CompositeRecord) -> list[str]:
        return [f"{record.keep_samples_changed} of {record.keep_samples} samples outside the mask changed"]

    @tell.register
    def _(self, record: Output) -> list[str]:
        return [f"{record.clip.codec}, {record.clip.frames} frames; worst block outside the mask "
                f"{record.containment_worst} levels"]  # fmt: skip

    @tell.register
    def _(self, record: SealRecord) -> list[str]:
        return [f"manifest {record.manifest}"]

    def _comment(self, ref: BlobRef | None) -> list[str]:
        return [] if ref is None else [f"comment: {self._text(ref)}"]

    def _asked_before(self, record: PolicyDecisionRecord) -> list[str]:
        """How many questions to models came before: limits per person are judged by it."""
        facts = self._value(record.facts, Facts)
        if facts is None or facts.query is None or not facts.query.is_model:
            return []
        return [
            f"questions to models by the same person in the 24 hours before: {facts.query.asked_last_day}"
        ]

    def _note(self, ref: BlobRef | None) -> list[str]:
        edits = self._value(ref, MaskEdits) if ref else None
        if ref is None or edits is None:
            return [] if ref is None else [f"operations: {self._absent(ref)}"]
        note = [f"note: {edits.note}"] if edits.note else []
        return [f"{len(edits.operations)} operation(s)", *note]

    def _text(self, ref: BlobRef) -> str:
        content = self._read(ref)
        return self._absent(ref) if content is None else content.decode(errors="replace")

    def _absent(self, ref: BlobRef) -> str:
        return self._erased(ref) or "not at hand"

    def _value(self, ref: BlobRef, kind: type[V]) -> V | None:
        content = self._read(ref)
        try:
            return kind.model_validate_json(content) if content is not None else None
        except ValidationError:
            return None


def _answered(exchange: ExchangeRecord) -> list[str]:
    """How often a service was asked, who it says answered, and for how many tokens; nothing where none was asked."""
    tokens = ", ".join(f"{name} {count}" for name, count in sorted(exchange.usage.items()))
    said = [
        f"asked {exchange.attempts} times" if exchange.attempts > 1 else "",
        f"answered by {exchange.model_version}" if exchange.model_version else "",
        tokens or ("no token counts" if exchange.model_version else ""),
    ]
    line = "; ".join(words for words in said if words)
    return [line] if line else []
