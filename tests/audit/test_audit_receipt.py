"""A receipt is read whole, in a known version, or it is not there; why is said."""

import os

from void_audit.audit.receipt import MAX_RECEIPT, read_receipt


def test_a_receipt_is_read_as_it_was_written(finished):
    receipt, problem = read_receipt(finished.receipt)
    assert receipt == finished.evidence.receipt
    assert not problem


def test_another_version_garbage_and_too_much_are_told_apart(finished, tmp_path):
    path = tmp_path / "x.receipt"
    for content, why in (
        (finished.receipt.read_bytes().replace(b"receipt/v2", b"receipt/v9"), "another version"),
        (b"{}", "not a receipt"),
        (b" " * (MAX_RECEIPT + 1), "not a receipt"),
    ):
        path.write_bytes(content)
        receipt, problem = read_receipt(path)
        assert receipt is None
        assert why in problem


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.receipt")
    assert read_receipt(tmp_path / "x.receipt") == (None, "x.receipt is no file")
