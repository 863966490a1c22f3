"""What the story says of content that is not at hand, and of text that wants to be more than text."""

from dataclasses import replace

from void_audit.audit.narrative import narrate
from void_audit.cli.console import out
from void_audit.cli.tables import print_history
from void_audit.model.base import BlobRef
from void_audit.model.records import Kind

COMMENT = BlobRef(sha256="1" * 64, size=50, media_type="text/plain", salted=True)


def commented(finished):
    evidence = finished.with_record("approval", comment=COMMENT)
    return [e for e in evidence.entries if e.statement.kind is Kind.APPROVAL]


def test_nothing_is_invented_for_any_missing_blob(finished):
    lines = narrate(finished.evidence.entries, lambda ref: None, {})
    told = {line.what: line.why for line in lines}
    for kind in ("intent", "policy-decision", "reasoning"):
        assert any("not at hand" in text for text in told[kind]), kind
    assert "A01" not in str(told)
    assert "shadow" not in str(told)


def test_an_erased_comment_is_not_a_comment_that_was_never_made(finished):
    (line,) = narrate(commented(finished), lambda ref: None, {})
    assert "comment: not at hand" in line.why
    silent = [e for e in finished.evidence.entries if e.statement.kind is Kind.APPROVAL]
    (line,) = narrate(silent, lambda ref: None, {})
    assert "comment" not in str(line.why)
    (line,) = narrate(commented(finished), lambda ref: b"", {})
    assert "comment: " in line.why


def test_what_the_file_itself_carries_is_told(finished):
    lines = narrate(finished.evidence.entries, finished.evidence.blob, {})
    assert "not at hand" not in str([line.why for line in lines])
    assert [line.index for line in lines] == [r.index for r in finished.assertion.records]
    assert not any(line.why == (f"a {line.what} record",) for line in lines)


def test_every_signer_is_named_or_told_by_key(finished):
    (entry,) = commented(finished)
    perry = entry.key_ids[0]
    both = replace(entry, key_ids=(perry, "f" * 64))
    (line,) = narrate([both], lambda ref: None, {perry: "Perry White"})
    assert line.who == f"Perry White, key {'f' * 16}"


def test_hostile_text_is_shown_and_does_nothing(finished):
    hostile = b"[bold]ok[/bold] \x1b[2J\x07 \xe2\x80\xae\xff" + b"x" * 9000
    with out.capture() as shown:
        print_history(narrate(commented(finished), lambda ref: hostile, {}), "x")
    text = shown.get()
    assert "[bold]ok[/bold]" in text
    assert not {"\x1b[2J", "\x07", "\u202e"} & {text[i : i + n] for n in (1, 4) for i in range(len(text))}
    assert text.count("x") < 3000
