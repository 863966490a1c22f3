from dataclasses import replace

from void_audit.audit.known_keys import bad_signatures, known_keys, later_keys, suspect_signatures


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


def test_without_later_key_events_nothing_is_learnt_and_nothing_refused(finished):
    registry, _ = known_keys(finished.evidence.entries)
    receipt = finished.evidence.receipt
    for given in (None, receipt):
        assert later_keys(registry, given, finished.evidence.checkpoint, finished.pins.log_vkey) == (
            registry,
            "",
        )


def test_later_key_events_without_a_log_to_look_them_up_in(finished):
    registry, _ = known_keys(finished.evidence.entries)
    receipt = finished.evidence.receipt.model_copy(update={"key_events": (finished.evidence.receipt.entry,)})
    checkpoint, vkey = finished.evidence.checkpoint, finished.pins.log_vkey
    for inside, key in ((None, vkey), (checkpoint, None)):
        assert "not known" in later_keys(registry, receipt, inside, key)[1]
    assert "no key event" in later_keys(registry, receipt, checkpoint, vkey)[1]


def test_key_events_that_the_file_holds_already_are_passed_over(finished):
    registry, _ = known_keys(finished.evidence.entries)
    log = finished.house.place.reading
    again = tuple(log.prove(event.index) for event in log.key_events())
    receipt = finished.evidence.receipt.model_copy(update={"key_events": again})
    told, problem = later_keys(registry, receipt, finished.evidence.checkpoint, finished.pins.log_vkey)
    assert (told.enrolled, problem) == (registry.enrolled, "")


def test_nothing_is_suspect_in_an_honest_file(finished):
    assert suspect_signatures(finished.evidence.entries, finished.evidence.registry) == ()
