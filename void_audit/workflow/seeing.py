"""Looking at the footage: where the object is, and what it caused. Every question to a reasoner is an entry."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from datetime import datetime, timedelta

from void_audit.errors import DeniedError, ReasoningError, RequestError
from void_audit.media.maskfile import BitmapFile, BitmapWriter
from void_audit.media.reader import VideoClip
from void_audit.model.clip import Clip
from void_audit.model.geometry import Size
from void_audit.model.mask import PackedBitmaps
from void_audit.model.reasoning import Consequences, Exchange, Reasoning
from void_audit.model.records import (
    ExchangeRecord,
    Kind,
    Query,
    ReasoningRecord,
    RefusedReply,
    Segmentation,
)
from void_audit.model.request import EditRequest
from void_audit.model.seeing import ReasonerSettings, SegmenterSettings
from void_audit.model.signing import Signer
from void_audit.model.track import Box, Mark, Track
from void_audit.pipeline.reason.base import Reasoner
from void_audit.pipeline.reason.check import check_consequences
from void_audit.workflow import judge
from void_audit.workflow.enrolment import registry_of
from void_audit.workflow.material import source_clip
from void_audit.workflow.recorder import Recorder

WORKING_SHORT_SIDE = 384
DAY = timedelta(hours=24)


def segment(recorder: Recorder, request: EditRequest, settings: SegmenterSettings) -> Track:
    """The object on every frame, recorded.

    Raises:
        RequestError: ``object-not-found``; what the engine says of the marks.
    """
    if recorder.state.segmentation is not None:
        return _stored_track(recorder, recorder.state.segmentation)
    studio, clip = recorder.studio, source_clip(recorder)
    engine = studio.engines.segmenter(settings)
    recorder.start()
    view = working_view(clip)
    marks = scaled_marks(request.marks, clip.info.size, view.info.size)
    track = engine.segment(view, marks, studio.progress)
    if not any(bitmap.any() for bitmap in track.masks):
        raise RequestError(
            "object-not-found", "Nothing was found at the clicks on any frame.", "Click inside the object."
        )
    _record_track(recorder, track, clip.info.frame_rate)
    return track


def ask(
    recorder: Recorder, request: EditRequest, track: Track, asker: Signer, settings: ReasonerSettings
) -> Consequences:
    """What the object caused. The question is recorded and judged before it is put; so is a useless answer.

    Raises:
        DeniedError: ``policy-denied``, ``asker-is-not-requester``: the question was not put.
        ReasoningError: there is no usable answer. What came is on record; asking again is another question.
    """
    studio = recorder.studio
    if recorder.state.reasoning is not None:
        return read_consequences(recorder, recorder.state.reasoning)
    engine = studio.engines.reasoner(settings)
    _query(recorder, engine, asker)
    recorder.start()
    clip, came = source_clip(recorder), Exchange()
    try:
        answer = engine.reason(clip.view(size=track.masks.size), track, request, studio.progress)
        came = answer.exchange
        consequences = check_consequences(answer.consequences, clip.info)
    except ReasoningError as error:
        came = error.exchange if isinstance(error.exchange, Exchange) else came
        _record_refusal(recorder, engine, error, came)
        error.hint = f"{error.hint} What was said is on record: `void-audit replies {recorder.edit}`.".strip()
        raise
    _record_answer(recorder, answer, consequences)
    return consequences


def read_consequences(recorder: Recorder, record: ReasoningRecord) -> Consequences:
    """The accepted answer."""
    return Consequences.model_validate_json(recorder.studio.blobs.read(record.consequences))


def working_view(clip: VideoClip) -> Clip:
    """The clip with a short side of at most 384 pixels, even sizes."""
    return clip.view(size=working_size(clip.info.size))


def working_size(size: Size) -> Size:
    """Scaled so that the short side is 384, never up; sizes rounded to even numbers."""
    scale = min(1.0, WORKING_SHORT_SIDE / min(size))
    return Size(*(max(2, 2 * round(side * scale / 2)) for side in size))


def scaled_marks(marks: Iterable[Mark], source: Size, working: Size) -> list[Mark]:
    """Clicks and boxes in the pixels of the working view."""
    across, down = working.width / source.width, working.height / source.height

    def scaled(mark: Mark) -> Mark:
        place: dict[str, float] = {"x": mark.x * across, "y": mark.y * down}
        if isinstance(mark, Box):
            place |= {"width": mark.width * across, "height": mark.height * down}
        return mark.model_copy(update=place)

    return [scaled(mark) for mark in marks]


def _record_track(recorder: Recorder, track: Track, frame_rate: str) -> None:
    studio = recorder.studio
    path = studio.scratch(recorder.edit) / "track.mkv"
    with BitmapWriter(path, track.masks.size, frame_rate) as writer:
        for bitmap in track.masks:
            writer.write(bitmap)
    blob = studio.blobs.put_file(path, "video/x-matroska", move=True)
    confidence = [round(c, 4) for c in track.confidence]
    record = Segmentation(
        **recorder.common(),
        engine=track.engine,
        settings=track.settings,
        track=blob,
        width=track.masks.size.width,
        height=track.masks.size.height,
        frames=len(track.masks),
        confidence=(min(confidence), statistics.median(confidence), max(confidence)),
        confidences=recorder.put_json({"confidence": confidence, "clicked": list(track.clicked)}),
        warnings=track.warnings,
        run=recorder.run_facts(track.device),
    )
    recorder.record(record, {"track": blob.sha256})


def stored_track(recorder: Recorder) -> Track | None:
    """The recorded track, if the mask was not supplied."""
    record = recorder.state.segmentation
    return _stored_track(recorder, record) if record else None


def _stored_track(recorder: Recorder, record: Segmentation) -> Track:
    recorder.studio.blobs.check(record.track)
    bitmaps = BitmapFile(recorder.studio.blobs.path(record.track))
    facts = json.loads(recorder.studio.blobs.read(record.confidences))
    return Track(
        masks=PackedBitmaps(bitmaps.size, bitmaps.bitmaps()),
        confidence=tuple(facts["confidence"]),
        clicked=tuple(facts["clicked"]),
        engine=record.engine,
        warnings=record.warnings,
        settings=record.settings,
    )


def _query(recorder: Recorder, engine: Reasoner, asker: Signer) -> None:
    intent = recorder.state.intent
    if intent is None:
        raise AssertionError("a question before the intent")
    if recorder.holder_of(asker.key_id) not in recorder.state.askers:
        # Policy judges the requester's roles, and questions are counted by who puts them.
        raise DeniedError(
            "asker-is-not-requester",
            "Only whoever made a request asks about it.",
            "Make a request of your own.",
        )
    record = Query(
        **recorder.common(), engine=engine.info, settings=dict(engine.settings), request=intent.request.sha256
    )
    recorder.record(record, {"request": record.request}, asker)
    facts = judge.query_facts(judge.base_facts(recorder), record, _asked_before(recorder, asker))
    judge.insist(judge.decide(recorder, facts, "reason"))


def _asked_before(recorder: Recorder, asker: Signer) -> int:
    """Questions that this person put to models in the 24 hours before the one just recorded, by the signers' clocks.

    Counted are those that stand before it in the log, whoever asks at the same moment: no two questions have the
    same place, so no two have the same number.
    """
    since = recorder.studio.clock() - DAY
    registry = registry_of(recorder.studio.ledger)
    holder = registry.holder_of(asker.key_id)
    before = count = 0
    for entry in recorder.studio.ledger.entries(kinds=[Kind.QUERY]):
        query = entry.statement.predicate
        if query.edit == recorder.edit:
            before = count  # the newest one of this edit, under whose lock we are, is the one just recorded
        count += (
            holder in registry.holders_of(entry.key_ids)
            and isinstance(query, Query)
            and query.engine.kind == "model"
            and datetime.fromisoformat(query.claimed_time) >= since
        )
    return before


def _record_answer(recorder: Recorder, answer: Reasoning, consequences: Consequences) -> None:
    record = ReasoningRecord(
        **recorder.common(),
        engine=answer.engine,
        settings=dict(answer.settings),
        exchange=_exchange(recorder, answer.exchange),
        consequences=recorder.put_json(consequences, salted=True),
        affected=len(consequences.affected),
        warnings=answer.warnings,
        run=recorder.run_facts(),
    )
    recorder.record(record, {"reply": record.exchange.reply.sha256})


def _record_refusal(recorder: Recorder, engine: Reasoner, error: ReasoningError, exchange: Exchange) -> None:
    record = RefusedReply(
        **recorder.common(),
        engine=engine.info,
        exchange=_exchange(recorder, exchange),
        code=error.code,
        reason=recorder.put_personal(str(error).encode(), "text/plain"),
        run=recorder.run_facts(),
    )
    recorder.record(record, {"reply": record.exchange.reply.sha256})


def _exchange(recorder: Recorder, exchange: Exchange) -> ExchangeRecord:
    return ExchangeRecord(
        request=recorder.put_personal(exchange.request, exchange.media_type),
        reply=recorder.put_personal(exchange.reply, exchange.media_type),
        attempts=exchange.attempts,
        model_version=exchange.model_version[:200],
        usage=dict(exchange.usage),
        safety=recorder.put_personal(exchange.safety.encode(), "text/plain") if exchange.safety else None,
    )
