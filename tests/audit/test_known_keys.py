from dataclasses import replace

from void_audit.audit.known_keys import bad_signatures, known_keys


def test_the_keys_of_an_honest_file(finished):
    registry, problems = known_keys(finished.evidence.entries)
    assert not problems
    assert registry.events == finished.evidence.state.output.key_events
    assert not bad_signatures(finished.evidence.entries, registry)


def test_key_events_out_of_order_and_signatures_under_nobodys_key_are_named(finished):
    first, second, *rest = finished.evidence.entries
    registry, problems = known_keys((second, first, *rest))
    assert "key event at entry" in problems[0]
    assert bad_signatures((rest[-1],), registry)


def test_an_envelope_of_another_statement(finished):
    *_, last = finished.evidence.entries
    other = finished.evidence.entries[-2]
    registry, _ = known_keys(finished.evidence.entries)
    (problem,) = bad_signatures((replace(last, envelope=other.envelope),), registry)
    assert f"entry {last.index}" in problem
