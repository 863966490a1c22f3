"""The story of an edit; of an erased one: ``test_cli_erase``."""

from __future__ import annotations


def test_an_edit_that_nobody_knows(desk):
    desk.refused("history 0123456789ab", 2, "edit-unknown")


def test_the_records_come_in_order_with_names(desk):
    (edit,) = [row["edit"] for row in desk.json("history")["edits"]]
    told = desk.json(f"history {edit}")["records"]
    assert [line["index"] for line in told] == sorted(line["index"] for line in told)
    assert next(line for line in told if line["what"] == "intent")["who"] == "lois"
    assert not any("ERASED" in text for line in told for text in line["why"])
