"""Who asked what: every question, answered or not, and what was denied before one was put."""

from __future__ import annotations

import pytest
from cli.asking import answer, line, says
from loopback import serving

from void_audit.canon.hashing import sha256_file


@pytest.fixture
def asked(asking_desk):
    """Olivia: one reply refused, one taken, one request denied. Lois: a model that she may not ask."""
    asking_desk.request("asked", requester="olivia")
    with serving(says("I will not say."), says(answer())) as server:
        asking_desk(line(server, "reason asked"), 1)
        asking_desk(line(server, "reason asked"))
        asking_desk.request("all", requester="olivia", instruction="Remove \x1b[31mall p\u043elice here.")
        asking_desk(line(server, "reason all"), 4)
        asking_desk.request("hers", requester="lois", note="hers")
        asking_desk(line(server, "reason hers"), 4)
    return asking_desk


def test_every_question_with_who_and_what_came_of_it(asked):
    told = asked.json("questions")["questions"]
    assert [(q["name"], q["verdict"], q["outcome"], q["is_model"]) for q in told] == [
        ("lois", "allow", "answered", False),  # of the edit that the desk began with
        ("olivia", "allow", "refused-reply", True),
        ("olivia", "allow", "answered", True),
        ("olivia", "deny", "denied", False),
        ("lois", "deny", "denied", True),
    ]
    assert [q["code"] for q in told] == ["", "reply-malformed", "", "", ""]
    assert told[3]["rules"][0] == "base/Q03"
    assert told[4]["rules"] == ["base/Q01"]
    assert told[3]["engine"] == ""
    assert told[1]["edit"] == told[2]["edit"] != told[3]["edit"]
    assert told[1]["clip"] == sha256_file(asked.folder / "asked" / "clip.mp4")
    assert (told[1]["object"], told[1]["shape"]) == ("box", "96x64, 6 frames")
    assert told[1]["settled"] > told[1]["entry"]


def test_a_person_reads_it(asked):
    said = asked("questions").stdout
    for words in ("olivia", "asked openai-compatible", "DENIED by base/Q03",
                  "no usable answer: reply-malformed", "allowed, answered", "no reasoner was asked",
                  "5 question(s): 2 answered, 1 with a reply that was refused, 2 denied."):  # fmt: skip
        assert words in said
    assert "\x1b" not in said


def test_of_one_person_and_since_when(asked):
    def of(words):
        return [(q["name"], q["outcome"]) for q in asked.json(f"questions {words}")["questions"]]

    assert of("--person olivia") == [
        ("olivia", "refused-reply"),
        ("olivia", "answered"),
        ("olivia", "denied"),
    ]
    assert of("--person lois --models") == [("lois", "denied")]
    key = asked.json("questions --person olivia")["questions"][0]["holder"]
    assert of(f"--person {key[:8]}") == of("--person olivia")
    times = [q["when"] for q in asked.json("questions")["questions"]]
    assert len(of(f"--since {times[3]}")) == sum(time >= times[3] for time in times)  # two may share a second
    assert len(of("--since 2026-01-01T00:00:00-14:00")) == 5
    assert of("--since 2099-01-01") == []
    assert asked("questions --since 2099-01-01").stdout == "0 question(s).\n"


def test_a_rotated_key_is_the_same_person(asked):
    asked("keys rotate olivia")
    assert [q["name"] for q in asked.json("questions --person olivia")["questions"]] == ["olivia"] * 3


def test_what_was_erased_is_not_told(asked):
    edit = asked.json("questions --person olivia")["questions"][0]["edit"]
    asked(f"ledger erase {edit} --as chief --reason 'At the request of the person shown' --yes")
    told = asked.json("questions --person olivia")["questions"]
    assert [(q["at_hand"], q["instruction"] != "") for q in told] == [
        (False, False),
        (False, False),
        (True, True),
    ]
    assert "words not at hand" in asked("questions").stdout


@pytest.mark.parametrize(
    ("options", "error"),
    [("--person nobody", "person-unknown"), ("--person abc", "person-unknown"), ("--since yesterday", "option-value"),
     ("--person ''", "person-unknown"), ("--since ''", "option-value")],  # a script's variable that is not set
)  # fmt: skip
def test_what_cannot_be_listed(desk, options, error):
    desk.refused(f"questions {options}", 2, error)
