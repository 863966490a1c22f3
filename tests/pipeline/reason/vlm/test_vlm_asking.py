"""Patience with services, none with replies; every failure carries what was sent and what came."""

import json
from dataclasses import replace

import pytest
from clips import write_clip
from vlm_scenes import REQUEST, ScriptedTransport, drawn_track, failing, good_reply

from void_audit.errors import Cancelled, MaskError, ReasoningError
from void_audit.media.reader import VideoClip
from void_audit.model.reasoning import Exchange
from void_audit.model.seeing import GeminiSettings, OpenAiSettings, VlmSettings
from void_audit.pipeline.reason.base import Reasoner
from void_audit.pipeline.reason.vlm import asking
from void_audit.pipeline.reason.vlm.asking import VlmReasoner, is_version_of, patiently
from void_audit.pipeline.reason.vlm.base import Question

QUESTION = Question("rules", (), "what?", {})
BUSY, DOWN, SLOW = (f"reasoner-{what}" for what in ("quota", "unreachable", "timeout"))


def ask(script, chance=0.0, progress=lambda *_: None, **settings):
    """The answer or error, the transport, and the seconds slept before each attempt but the first."""
    transport = ScriptedTransport(script, VlmSettings(model="m-1", **settings))
    slept = [0.0]

    def sleep(seconds):
        assert 0 <= seconds <= 1
        slept[-1] += seconds

    def note(what, done, total):
        if what == "asking the model" and 0 < done < total:
            slept.append(0.0)
        progress(what, done, total)

    try:
        result = patiently(transport, QUESTION, note, sleep=sleep, random=lambda: chance)
    except ReasoningError as error:
        result = error
    return result, transport, [round(s, 6) for s in slept[:-1]]


def test_a_ready_service_is_asked_once():
    answer, transport, slept = ask(["yes"])
    assert (answer.text, answer.exchange.attempts, slept) == ("yes", 1, [])
    assert transport.asked == [QUESTION]


def test_what_may_pass_is_waited_for():
    answer, transport, slept = ask([failing(BUSY), failing(DOWN), failing(SLOW), "yes"])
    assert answer.exchange.attempts == 4
    assert answer.exchange.request == b"sent"
    assert transport.asked == [QUESTION] * 4
    assert slept == [2, 4, 8]


def test_pauses_grow_to_a_cap():
    _, _, slept = ask([failing(BUSY)] * 9 + ["yes"], attempts=10)
    assert slept == [2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_chance_leaves_out_up_to_half():
    assert ask([failing(BUSY), failing(BUSY), "yes"], chance=1.0)[2] == [1, 2]
    assert ask([failing(BUSY), "yes"], chance=0.5)[2] == [1.5]


@pytest.mark.parametrize(
    ("asked", "slept"),
    [(30.0, 30.0), (299.5, 299.5), (1.0, 2.0), (0.0, 2.0), (-5.0, 2.0), (float("nan"), 2.0), (None, 2.0)],
)
def test_a_pause_that_is_asked_for_is_kept(asked, slept):
    assert ask([failing(BUSY, asked), "yes"])[2] == [slept]


@pytest.mark.parametrize("asked", [301.0, 86400.0, float("inf")])
def test_but_not_for_ever(asked):
    error, transport, _ = ask([failing(BUSY, asked), "yes"])
    assert error.code == BUSY
    assert len(transport.asked) == 1
    assert "seconds at the earliest" in error.message
    assert error.retry_after == asked


def test_in_the_end_the_last_error_tells_how_often():
    sent = Exchange(request=b"sent", reply=b"busy")
    error, transport, _ = ask([failing(DOWN), failing(BUSY), failing(SLOW, exchange=sent)], attempts=3)
    assert error.code == SLOW
    assert error.exchange == Exchange(request=b"sent", reply=b"busy", attempts=3, failures=(DOWN, BUSY))
    assert f"3 times; before: {DOWN}, {BUSY}." in error.message
    assert error.hint == "Do something."
    assert len(transport.asked) == 3


@pytest.mark.parametrize(
    "code", ["reasoner-key", "reasoner-refused", "reasoner-failed", "reply-malformed", "reply-out-of-bounds"]
)
def test_what_will_not_pass_is_not_asked_again(code):
    error, transport, slept = ask([failing(DOWN), failing(code), "yes"])
    assert error.code == code
    assert error.exchange.attempts == 2
    assert len(transport.asked) == 2
    assert slept == [2]
    error, transport, _ = ask([failing(code)])
    assert (error.message, error.exchange.attempts) == (f"It failed: {code}.", 1)


def test_one_attempt_is_one():
    error, transport, slept = ask([failing(BUSY)], attempts=1)
    assert (error.exchange.attempts, len(transport.asked), slept) == (1, 1, [])


def test_progress_counts_and_may_cancel_a_pause():
    seen = []

    def progress(what, done, total):
        seen.append((what, done, total))
        if what.startswith("waiting") and done == 1:
            raise Cancelled("cancelled", "Stopped.")

    with pytest.raises(Cancelled):
        ask([failing(BUSY), "yes"], progress=progress)
    assert seen == [
        ("asking the model", 0, 4),
        ("waiting to ask again (reasoner-quota)", 0, 2),
        ("waiting to ask again (reasoner-quota)", 1, 2),
    ]


def test_a_cancelled_question_is_not_put():
    def progress(*_):
        raise Cancelled("cancelled", "Stopped.")

    transport = ScriptedTransport(["yes"])
    with pytest.raises(Cancelled):
        patiently(transport, QUESTION, progress)
    assert transport.asked == []


def test_by_default_it_really_waits(monkeypatch):
    slept = []
    monkeypatch.setattr("void_audit.pipeline.reason.vlm.asking.FIRST_PAUSE", 0.02)
    patiently(ScriptedTransport([failing(BUSY), "yes"]), QUESTION, lambda *a: slept.append(a))
    waits = [told for told in slept if told[0].startswith("waiting")]
    assert waits == [("waiting to ask again (reasoner-quota)", n, 1) for n in (0, 1)]


# The reasoner


@pytest.fixture
def clip(tmp_path):
    return VideoClip(write_clip(tmp_path / "in.mp4", width=96, height=72, frames=40))


def reason(clip, script, settings=None, request=REQUEST, **more):
    transport = ScriptedTransport(script, settings or VlmSettings(model="m-1", frames=5))
    reasoner = VlmReasoner(transport, sleep=lambda _: None)
    track = drawn_track(clip, {3: (10, 40, 10, 40)})
    return transport, lambda: reasoner.reason(clip, track, request, **more)


def test_from_footage_to_consequences(clip):
    transport, go = reason(clip, [failing(BUSY), json.dumps(good_reply())])
    answer = go()
    assert [thing.noun for thing in answer.consequences.affected] == ["lime", "shadow of the hand", "cup"]
    assert answer.consequences.instruction == REQUEST.instruction
    assert answer.consequences.grid.cols == 11
    assert answer.consequences.affected[0].localizations[0].frame == 4
    assert answer.exchange.attempts == 2
    assert answer.exchange.model_version == "m-1-0"
    assert json.loads(answer.exchange.reply) == good_reply()
    assert answer.engine == transport.info
    assert answer.warnings == (f"It was asked 2 times; before it answered: {BUSY}.",)
    assert answer.consequences.summary.startswith("scripted-model (m-1) says")
    (question,) = set(map(id, transport.asked))
    shown = transport.asked[0]
    assert question == id(shown)
    assert [m.media_type for m in shown.media] == ["image/jpeg"] * 6 + ["video/mp4"]
    assert REQUEST.instruction in shown.text


def test_every_stage_but_asking_is_done_before_it_asks(clip):
    """Where there is no terminal, only what is done is told: so it is seen that a model is waited for."""
    seen = []
    transport, go = reason(clip, [json.dumps(good_reply())], progress=lambda *told: seen.append(told))
    go()
    first = seen.index(("asking the model", 0, transport.settings.attempts))
    frames = clip.info.frames
    assert seen[first - 2 : first] == [
        ("preparing the clip", frames, frames),
        ("preparing the question", 1, 1),
    ]


def test_it_is_a_reasoner_and_records_its_settings():
    settings = OpenAiSettings(model="m-1", base_url="http://localhost:8000/v1", seed=7)
    reasoner: Reasoner = VlmReasoner(ScriptedTransport(settings=settings))
    recorded = reasoner.settings
    assert recorded["engine"] == "openai-compatible"
    assert recorded["base_url"] == "http://localhost:8000/v1"
    assert (recorded["seed"], recorded["temperature"], recorded["model"]) == (7, 0.0, "m-1")
    assert recorded["question"] == "2"
    assert all(isinstance(value, str | int | float | bool) for value in recorded.values())
    assert reasoner.info.kind == "model"


def test_what_is_not_set_is_left_out_of_the_record():
    assert "base_url" not in VlmReasoner(ScriptedTransport(settings=GeminiSettings())).settings


def test_warnings_tell_what_was_left_out_and_what_is_open(clip):
    vague = good_reply()
    vague["affected_objects"][0].update(trajectory_path=[])
    _, go = reason(clip, [json.dumps(vague)], VlmSettings(model="m-1", max_media_bytes=100_000))
    answer = go()
    assert any("sent at" in line or "frames were sent" in line for line in answer.warnings)
    assert "Affected 1: said to move without the object, but not where to." in answer.warnings


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("Sure! " + json.dumps(good_reply()), "reply-malformed"),
        (json.dumps(good_reply() | {"policy": "allow"}), "reply-malformed"),
        (json.dumps(good_reply()).replace('"row": 2', '"row": 8'), "reply-out-of-bounds"),
        ("", "reply-malformed"),
    ],
)
def test_a_refused_reply_is_carried_along_and_not_asked_for_again(clip, reply, code):
    transport, go = reason(clip, [failing(DOWN), reply, json.dumps(good_reply())])
    with pytest.raises(ReasoningError) as error:
        go()
    assert error.value.code == code
    assert error.value.exchange.reply == reply.encode()
    assert error.value.exchange.attempts == 2
    assert "Ask again" in error.value.hint
    assert len(transport.asked) == 2


def test_the_bound_on_replies_is_the_settings(clip):
    settings = VlmSettings(model="m-1", frames=2, max_reply_bytes=1000)
    _, go = reason(clip, [json.dumps(good_reply())], settings)
    with pytest.raises(ReasoningError, match="1000 bytes"):
        go()


def test_failures_of_the_service_carry_what_was_sent(clip):
    _, go = reason(clip, [failing("reasoner-refused", exchange=Exchange(request=b"sent", safety="blocked"))])
    with pytest.raises(ReasoningError) as error:
        go()
    assert error.value.exchange == Exchange(request=b"sent", safety="blocked")


def test_a_track_of_another_clip_is_not_asked_about(clip, tmp_path):
    other = VideoClip(write_clip(tmp_path / "other.mp4", width=96, height=72, frames=8))
    transport = ScriptedTransport()
    with pytest.raises(MaskError):
        VlmReasoner(transport).reason(clip, drawn_track(other, {0: (1, 9, 1, 9)}), REQUEST)
    assert transport.asked == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [("m-1", False), ("m-1-0", False), ("org/m-1-0", False), ("m-2", True), ("m-1-0-b", True)],
)
def test_another_model_that_answers_is_told(clip, asked, told):
    settings = VlmSettings(model=asked, frames=5)  # m-1-0 answers
    _, go = reason(clip, [json.dumps(good_reply())], settings)
    assert any("another model" in line for line in go().warnings) == told


SAME = [
    ("m", "m"), ("models/m", "m"), ("m", "models/m"), ("Qwen/Qwen3-VL-8B", "qwen3-vl-8b"), ("m", "m:latest"),
    ("m:latest", "m"), ("gpt-9", "gpt-9-2026-08-06"), ("gemini-3.8-flash", "gemini-3.8-flash-002"),
    ("m", "m@20260901"), ("m", "m fp_ollama"), ("m-09-2025", "m-09-2025"),
]  # fmt: skip
OTHER = [
    ("gemini-2.5-pro", "gemini-3.8-flash"), ("gemini-3.8-flash", "gemini-3.8-flash-lite"), ("gpt-9", "gpt-9o"),
    ("gemini-3", "gemini-3.8"), ("qwen3-vl", "qwen3-vl-8b"), ("qwen3-vl", "qwen3-vl:8b"), ("a-mini", "mini"),
    ("mini", "a-mini"), ("m-2", "m"), ("m", "m-2b fp_1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "answered", "same"), [(*p, True) for p in SAME] + [(*p, False) for p in OTHER]
)
def test_what_is_a_version_of_a_model_and_what_another(asked, answered, same):
    """Google answers questions to a retired model with another one, as if nothing were."""
    assert is_version_of(asked, answered) == same


@pytest.mark.parametrize(
    ("counted", "cut"),
    [(None, False), (4000, False), (500, True), (2050, True), (16386, True), (2051, False)],
)
def test_a_question_that_was_cut_to_fit_is_told(clip, counted, cut):
    """Ollama answers 200 to what was left of it: its rules and pictures may be what was cut."""
    transport, go = reason(clip, [json.dumps(good_reply())])
    ask, usage = transport.ask, {} if counted is None else {"prompt": counted}

    def counting(question):
        answer = ask(question)
        return replace(answer, exchange=replace(answer.exchange, usage=usage))

    transport.ask = counting
    said = [line for line in go().warnings if "cut to fit" in line]
    assert len(said) == cut
    assert all(f"{counted} tokens" in line and "docs/reasoners.md" in line for line in said)


def test_attempts_that_take_long_are_not_repeated_for_hours():
    now = [0.0]

    def slow(question):
        now[0] += 600
        raise failing(SLOW)

    transport = ScriptedTransport([], VlmSettings(model="m-1", timeout=600, attempts=10))
    transport.ask = slow
    with pytest.raises(ReasoningError) as caught:
        patiently(transport, QUESTION, sleep=lambda _: None, clock=lambda: now[0])
    assert caught.value.exchange.attempts == 2
    assert now[0] <= 2 * 600 + asking.LATEST


@pytest.mark.parametrize("error", [ValueError("odd"), RecursionError()])
def test_a_reply_that_breaks_the_reader_is_kept_all_the_same(clip, monkeypatch, error):
    def broken(*args, **kwargs):
        raise error

    monkeypatch.setattr(asking, "read_reply", broken)
    _, go = reason(clip, [json.dumps(good_reply())])
    with pytest.raises(ReasoningError) as caught:
        go()
    assert caught.value.code == "reply-malformed"
    assert json.loads(caught.value.exchange.reply) == good_reply()
