"""What is said of records that do not agree. The attacks themselves are in tests/simulator/test_review.py."""

from __future__ import annotations

from void_audit.audit.links import differing


def test_only_what_differs_is_said_with_both_values():
    assert differing([("plan", "a", "a"), ("take", "b", None)]) == ["take: 'b' against None"]


def test_a_hostile_value_cannot_flood_the_report():
    (said,) = differing([("name", "x" * 100_000, "y")])
    assert len(said) < 300
