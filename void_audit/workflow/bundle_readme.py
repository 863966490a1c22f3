"""``README.txt`` of an evidence bundle: how an expert checks it with tools that this project did not write."""

from __future__ import annotations

from importlib.resources import files


def readme(edit: str, origin: str, size: int, seal: int) -> str:
    """The text for a bundle.

    Args:
        edit: the edit's id.
        origin: name of the log.
        size: of the bundle's checkpoint.
        seal: index of the seal's entry.
    """
    text = files("void_audit.workflow").joinpath("bundle_readme.txt").read_text(encoding="utf-8")
    values = {"EDIT": edit, "ORIGIN": origin, "SIZE": str(size), "SEAL": f"{seal:012}"}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
