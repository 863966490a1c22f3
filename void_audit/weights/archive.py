"""What a PyTorch checkpoint (``.pt``) holds, found out without loading it.

``torch.save`` writes a zip archive (docs.pytorch.org, "Serialization semantics"): ``NAME/data.pkl``, a pickle that
describes containers and tensors, and the tensors' bytes, uncompressed, in ``NAME/data/0`` and on. A pickle is a list of
instructions, and loading it calls what it names. So before such a file is approved, its instructions are read
(``pickletools`` decodes them and executes none), and nothing but tensors and dictionaries of them may be described:
the only names are those below, and there is no instruction by which a pickle gets at others. That is the first of two
guards that know nothing of each other: who loads the file has PyTorch's own restricted unpickler do it
(``torch.load(weights_only=True)``), which looks up no name either.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections import Counter
from pathlib import Path

from void_audit.errors import WeightsError
from void_audit.weights.header import MAX_HEADER_BYTES

SUFFIX = ".pt"

NAMES = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_parameter",
        "torch._utils _rebuild_tensor_v2",
        *(
            f"torch {kind}Storage"
            for kind in ("BFloat16", "Bool", "Byte", "Double", "Float", "Half", "Int", "Long")
        ),
    }
)
"""What the pickle of a dictionary of tensors names."""

INSTRUCTIONS = frozenset(
    {
        "PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BUILD", "BINPERSID", "BINPUT", "LONG_BINPUT", "BINGET",
        "LONG_BINGET", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "SETITEM",
        "SETITEMS", "APPEND", "APPENDS", "NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1",
        "BINFLOAT", "BINUNICODE",
    }
)  # fmt: skip
"""Those of pickle protocol 2 that ``torch.save`` writes."""

MEMBER = re.compile(
    r"data\.pkl|data/\d{1,9}|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id"
)


def require_tensors_only(path: Path) -> None:
    """Raise WeightsError unless ``path`` is an archive of ``torch.save`` that describes tensors and nothing else.

    Codes: ``weights-truncated`` (no whole archive), ``weights-pickled`` (anything else than tensors, or another
    form of pickle).
    """
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            raise _refused(path, "it is no archive; an older PyTorch wrote it, or it is something else")
    try:
        with zipfile.ZipFile(path) as archive:
            root = _root(path, archive)
            description = archive.read(f"{root}/data.pkl")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _not_whole(path, error) from error
    _require_harmless(path, description)


def _root(path: Path, archive: zipfile.ZipFile) -> str:
    """The folder within the archive that everything lies in: once each, uncompressed, under the known names."""
    entries = archive.infolist()
    root = entries[0].filename.partition("/")[0] if entries else ""
    names = Counter(entry.filename for entry in entries)
    for entry in entries:
        folder, _, member = entry.filename.partition("/")
        if folder != root or not MEMBER.fullmatch(member) or names[entry.filename] > 1 or entry.compress_type:
            raise _refused(path, f"its archive holds {entry.filename[:100]!r}")
    if not names[f"{root}/data.pkl"] or archive.getinfo(f"{root}/data.pkl").file_size > MAX_HEADER_BYTES:
        raise _refused(path, "its archive has no data.pkl, or one that is too big")
    return root


def _require_harmless(path: Path, description: bytes) -> None:
    try:
        for instruction, argument, _ in pickletools.genops(description):
            if instruction.name not in INSTRUCTIONS:
                raise _refused(path, f"it has the instruction {instruction.name}")
            if instruction.name == "GLOBAL" and argument not in NAMES:
                raise _refused(path, f"it names {str(argument)[:100]!r}")
    except ValueError as error:
        raise _refused(path, f"its pickle cannot be read ({error})") from error


def _refused(path: Path, why: str) -> WeightsError:
    return WeightsError(
        "weights-pickled",
        f"{path} is not known to hold tensors only, and loading it might run what is in it: {why}.",
        "Get the publisher's own file, or one in safetensors form.",
    )


def _not_whole(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        "weights-truncated",
        f"{path} is not a whole checkpoint ({error or type(error).__name__}).",
        "Copy or fetch it again.",
    )
