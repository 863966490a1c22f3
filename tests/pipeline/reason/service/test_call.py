"""A call's values."""

from __future__ import annotations

from void_audit.model.reasoning import Exchange
from void_audit.pipeline.reason.service.call import Call, Service


def test_the_exchange_is_what_went_over_the_wire() -> None:
    assert Call(b"asked", b"said", status=500).exchange == Exchange(b"asked", b"said")
    assert Call().exchange == Exchange()


def test_a_body_may_be_larger_than_its_text() -> None:
    assert Service("m", "h", 1.0, 1_000_000).max_body_bytes == 2_065_536


def test_errors_name_model_and_host() -> None:
    error = Service("m\x1b[2J" + "x" * 900, "h\u202e", 1.0, 1).error(
        "reasoner-quota", "is busy.", "Wait.", Exchange(b"q"), 7.0
    )
    assert (error.code, error.hint, error.exchange, error.retry_after) == (
        "reasoner-quota",
        "Wait.",
        Exchange(b"q"),
        7.0,
    )
    assert error.message.isprintable()
    assert len(error.message) < 550
    assert error.message.endswith(" at h is busy.")
