from __future__ import annotations

import pytest

from void_audit.model.subject import edit_subject, erasure_subject, is_subject, key_subject


def test_subjects_are_told_apart_by_their_kind() -> None:
    subjects = [edit_subject("ab12"), key_subject("ab12"), erasure_subject("ab12")]
    assert subjects == ["edit:ab12", "key:ab12", "erasure:ab12"]
    assert all(is_subject(subject) for subject in subjects)


@pytest.mark.parametrize(
    "text",
    ["", "edit", "edit:", "edit:a b", "edit:a\n", "edit:../a", "other:a", "key:" + "a" * 65, "xedit:a"],
)
def test_what_is_no_subject(text: str) -> None:
    assert not is_subject(text)
