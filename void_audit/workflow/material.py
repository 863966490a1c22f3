"""What an edit is made from, as its records name it: the stored original, the request, the prompt as it stands."""

from __future__ import annotations

from pathlib import Path

from void_audit.media.probe import probe
from void_audit.media.reader import VideoClip
from void_audit.model.request import EditRequest
from void_audit.pipeline.synthesize.supplied_fit import fit_warnings
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.request_folder import parse_prompt


def source_clip(recorder: Recorder) -> VideoClip:
    """The stored original."""
    source = recorder.state.source
    if source is None:
        raise AssertionError("no source yet")
    blobs = recorder.studio.blobs
    stored = blobs.path(blobs.ref(recorder.subject("source", "source"), "video/mp4"))
    return VideoClip(stored, source.clip)


def recorded_request(recorder: Recorder) -> EditRequest:
    """The request as it was recorded, with the world after the edit as it was last confirmed."""
    state, blobs = recorder.state, recorder.studio.blobs
    if state.intent is None or state.prompt is None:
        raise AssertionError("request before intent")
    request = EditRequest.model_validate_json(blobs.read(state.intent.request))
    if state.prompt == state.intent.prompt:
        return request
    return request.model_copy(update={"background": parse_prompt(blobs.read(state.prompt))})


def supplied_clip(recorder: Recorder) -> Path | None:
    """The stored clip whose pictures are to be put in, if the request came with one."""
    intent = recorder.state.intent
    return recorder.studio.blobs.path(intent.supplied) if intent and intent.supplied else None


def supplied_warnings(recorder: Recorder) -> tuple[str, ...]:
    """What the supplied clip, if there is one, does not have in common with the source."""
    path = supplied_clip(recorder)
    return fit_warnings(probe(path), source_clip(recorder).info) if path else ()
