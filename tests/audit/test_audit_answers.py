import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from void_audit.audit.answers import TITLES, failed, first, not_applicable, passed, unknown
from void_audit.cli.console import cell
from void_audit.model.report import Obligation, State


def test_every_obligation_has_a_title_of_its_own():
    assert set(TITLES) == set(Obligation)
    assert len(set(TITLES.values())) == len(TITLES)


@pytest.mark.parametrize("obligation", Obligation)
def test_four_answers_under_the_obligations_own_title(obligation):
    answers = [make(obligation, "why") for make in (passed, failed, unknown, not_applicable)]
    assert [a.state for a in answers] == [State.PASS, State.FAIL, State.UNKNOWN, State.NOT_APPLICABLE]
    assert {(a.obligation, a.title, a.detail, a.remedy) for a in answers} == {
        (obligation, TITLES[obligation], "why", "")
    }


@settings(max_examples=60, deadline=None)
@given(detail=st.text(max_size=300), remedy=st.text(max_size=300))
@example(detail="\x1b]0;owned\x07\x1b[2J", remedy="\x9b31m")
@example(detail="gnp.\u202eevil\u2066", remedy="\u200b\ufeff\ud800")
@example(detail="fine\nVERIFIED\r\v\f\x85\u2028\u2029VERIFIED", remedy="\0")
def test_what_a_file_says_is_one_printable_line(detail, remedy):
    for found in (failed(Obligation.BINDING, detail, remedy), unknown(Obligation.TIME, detail, remedy)):
        for said, shown in ((detail, found.detail), (remedy, found.remedy)):
            assert shown.isprintable()
            assert len(shown) == len(said)
            assert all(a == b for a, b in zip(said, shown, strict=True) if a.isprintable())


def test_a_flood_is_cut_and_says_so():
    found = failed(Obligation.BINDING, "a" * 1_000_000, "b" * 2001)
    assert found.detail == "a" * 2000 + " ..."
    assert found.remedy == "b" * 2000 + " ..."
    assert failed(Obligation.BINDING, "c" * 2000).detail == "c" * 2000


def test_markup_is_data_where_it_is_shown():
    text = "[bold green]VERIFIED[/] [link=file:///etc]x[/link]"
    shown = cell(passed(Obligation.SIGNER, text).detail)
    assert shown.plain == text
    assert not shown.spans


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (("a", "b", "c"), "a; b; c"),
        (["a", "b", "c", "d", "e"], "a; b; c (and 2 more)"),
    ],
)
def test_the_first_problems_and_how_many_more(problems, text):
    assert first(problems) == text


def test_more_are_counted_beyond_any_bound():
    assert first(["x"] * 7, most=1) == "x (and 6 more)"
