"""Rule packs from a file, from text, or from the ones that ship with the package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from void_audit.canon.strict_yaml import MAX_BYTES
from void_audit.errors import PolicyPackError
from void_audit.policy.compiled import Pack, parse_pack
from void_audit.policy.engine import PolicyEngine
from void_audit.policy.lint import lint_pack

__all__ = ["Pack", "builtin", "builtin_names", "load_pack", "parse_pack"]


def load_pack(source: str | bytes | Path, engine: PolicyEngine | None = None) -> Pack:
    """A pack from its text (``str`` or ``bytes``) or its file (``Path``), its rules' own tests passed.

    Raises:
        PolicyPackError: ``pack-missing``, ``pack-schema``, ``pack-cel`` or ``pack-lint``.
    """
    pack = parse_pack(_text(source), engine)
    problems = lint_pack(pack)
    if problems:
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise PolicyPackError(
            "pack-lint",
            f"Rule pack {pack.name}: {'; '.join(problems[:5])}{more}.",
            "Every rule carries a test in which it fires and one in which it does not, and both must hold.",
        )
    return pack


def builtin(name: str) -> Pack:
    """A pack that ships with the package.

    Raises:
        PolicyPackError: ``pack-missing`` if there is none of that name.
    """
    if name not in builtin_names():
        raise PolicyPackError(
            "pack-missing", f"There is no rule pack {name!r}.", f"There are: {', '.join(builtin_names())}."
        )
    return load_pack((_folder() / f"{name}.yaml").read_bytes())


def builtin_names() -> tuple[str, ...]:
    """Names of the packs that ship with the package, sorted."""
    names = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def _folder() -> Traversable:
    return files("void_audit") / "policies"


def _text(source: str | bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")  # what is no UTF-8 is refused where bytes are read
    try:
        with source.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyPackError(
            "pack-missing", f"{source} cannot be read: {error.strerror}.", "Give a rule pack's YAML file."
        ) from None
