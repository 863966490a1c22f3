"""``FILE.receipt`` as a verifier reads it: bounded, of a known version, or not there."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from void_audit.model.proof import Receipt

MAX_RECEIPT = 1024 * 1024
RECEIPT_FORMATS = {"void-audit-receipt/v1", "void-audit-receipt/v2"}


def read_receipt(path: Path) -> tuple[Receipt | None, str]:
    """The receipt in a file, or None and why there is none. Never raises; nothing in it is verified yet."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            return None, f"{path.name} is no file"
        with path.open("rb") as stream:
            data = stream.read(MAX_RECEIPT + 1)
    except FileNotFoundError:
        return None, f"there is no {path.name}"
    except OSError as error:
        return None, f"{path.name} cannot be read: {error.strerror}"
    if len(data) > MAX_RECEIPT:  # its beginning might parse
        return None, f"{path.name} is not a receipt"
    try:
        receipt = Receipt.model_validate_json(data)
        known = receipt.format in RECEIPT_FORMATS
        return (receipt, "") if known else (None, f"{path.name} is a receipt of another version")
    except ValidationError:
        return None, f"{path.name} is not a receipt"
