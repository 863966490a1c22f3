"""``ledger checkpoint``, ``entry``, ``proof``, ``check-proof``, ``consistency``: what outsiders check with."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated

import typer

from void_audit.canon import merkle, tlog_proof
from void_audit.canon.checkpoint import Checkpoint, open_checkpoint
from void_audit.canon.consistency import MAX_CONSISTENCY, ConsistencyProof
from void_audit.canon.consistency import parse as parse_consistency
from void_audit.canon.dsse import Envelope
from void_audit.canon.note import MAX_NOTE, VerifierKey
from void_audit.canon.tiles import MAX_ENTRY
from void_audit.canon.tlog_proof import MAX_PROOF, TlogProof
from void_audit.cli.console import JsonOption, WorkspaceOption, emit, guarded, say
from void_audit.cli.session import workspace_at
from void_audit.errors import RequestError
from void_audit.ledger.durable import replacing, storage_errors
from void_audit.settings import Environment

SizeOption = Annotated[
    int | None, typer.Option("--size", min=0, help="The log as it was with so many entries (default: now).")
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write there instead of to standard output.")]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--log-key", help="The log's verifier key, or a file that holds it (default: the workspace's)."
    ),
]
_MAX_KEY = 2000


@guarded
def checkpoint(
    size: SizeOption = None,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a signed checkpoint (a C2SP signed note) with the cosignatures of witnesses; default: the newest.

    Example: void-audit ledger checkpoint --size 20
    """
    ledger = workspace_at(workspace).reading
    note = ledger.cosigned(ledger.size if size is None else size)
    _give(note, {"checkpoint": note}, out, as_json)


@guarded
def entry(
    index: Annotated[int, typer.Argument(min=0, help="From 0.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="The exact envelope bytes: the leaf of the log.")
    ] = False,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print an entry: its statement, readable, or with --raw the very bytes that were signed and hashed.

    Example: void-audit ledger entry 5 --raw --out entry-5.dsse.json
    """
    stored = workspace_at(workspace).reading.entry(index)
    statement = json.loads(Envelope.parse(stored.envelope).payload)
    fields = {
        "index": index,
        "leaf_hash": stored.leaf_hash,
        "keys": list(stored.key_ids),
        "statement": statement,
    }
    if as_json:
        fields["envelope"] = base64.b64encode(stored.envelope).decode()
    text = stored.envelope.decode() if raw else json.dumps(fields, indent=2) + "\n"
    _give(text, fields, out, as_json)


@guarded
def proof(
    index: Annotated[int, typer.Argument(min=0, help="From 0.")],
    size: SizeOption = None,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the proof that an entry is in the log, with a checkpoint: one text (C2SP tlog-proof).

    Example: void-audit ledger proof 5 --out entry-5.tlog-proof
    """
    ledger = workspace_at(workspace).reading
    size = ledger.size if size is None else size
    if not index < size <= ledger.size:
        raise _beyond(f"There is no entry {index} in the first {size} entries", ledger.size)
    logged, note = ledger.prove(index, size), ledger.cosigned(size)
    text = str(TlogProof(index, tuple(bytes.fromhex(digest) for digest in logged.proof), note))
    fields = {"index": index, "size": size, "hashes": list(logged.proof), "checkpoint": note, "proof": text}
    _give(text, fields, out, as_json)


@guarded
def check_proof(
    file: Annotated[Path, typer.Argument(metavar="PROOF", help="A tlog-proof, as `ledger proof` writes it.")],
    entry_file: Annotated[
        Path,
        typer.Argument(metavar="ENTRY", help="The entry's exact bytes, as `ledger entry --raw` writes them."),
    ],
    log_key: KeyOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof offline, with the log's key alone. Exit 1 if it proves nothing.

    Example: void-audit ledger check-proof entry-5.tlog-proof entry-5.dsse.json --log-key log.vkey
    """
    given = tlog_proof.parse(_bytes(file, MAX_PROOF))
    key = _key(log_key, workspace)
    signed = tlog_proof.verify(given, _bytes(entry_file, MAX_ENTRY), key)
    if as_json:
        emit({"index": given.index, "origin": signed.origin, "size": signed.size, "root": signed.root.hex()})
        return
    say(
        f"{entry_file} is entry {given.index} of {signed.origin}, under its checkpoint of {signed.size} entries."
    )
    if given.extra is not None:
        say("The extra line of this proof is not authenticated.", "yellow")


@guarded
def consistency(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A size, or a file with a signed checkpoint.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same of the larger log.")],
    proof_file: Annotated[
        Path | None, typer.Option("--proof", help="Check this proof, offline, instead of making one.")
    ] = None,
    log_key: KeyOption = None,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that nothing was changed or removed between two sizes of the log; of checkpoint files also check it.

    --out keeps the proof, for those who have the two files alone. Two files of equal size are compared
    and need no proof. Exit 1 if the history was rewritten.

    Example: void-audit ledger consistency yesterday.checkpoint today.checkpoint --proof grown.proof --log-key log.vkey
    """
    key = None if old.isdecimal() and new.isdecimal() else _key(log_key, workspace)
    first, second = (int(given) if key is None else _signed(given, key) for given in (old, new))
    if not isinstance(first, Checkpoint) or not isinstance(second, Checkpoint):
        _print_consistency(_made(int(old), int(new), workspace), out, as_json)
        return
    sizes = (first.size, second.size)
    if proof_file is not None:
        given = parse_consistency(_bytes(proof_file, MAX_CONSISTENCY))
    elif first.size in {0, second.size}:
        given = ConsistencyProof(*sizes, ())
    else:
        given = _made(*sizes, workspace)
    if (given.old, given.new) != sizes:
        raise RequestError(
            "proof-other",
            f"The proof is of {given.old} and {given.new}, not {sizes[0]} and {sizes[1]}.",
            "Get that.",
        )
    merkle.verify_consistency(first.size, first.root, second.size, second.root, given.path)
    if out is not None:
        _write(out, str(given))
    if as_json:
        emit({"consistent": True, "old": first.size, "new": second.size, "origin": second.origin})
        return
    say(f"The {second.size} entries of {second.origin} begin with the {first.size} signed before, unchanged.")


def _made(old: int, new: int, workspace: Path | None) -> ConsistencyProof:
    ledger = workspace_at(workspace).reading
    if not old <= new <= ledger.size:
        raise _beyond(f"{old} entries cannot have become {new}", ledger.size)
    return ConsistencyProof(old, new, ledger.consistency(old, new))


def _beyond(why: str, size: int) -> RequestError:
    return RequestError(
        "proof-index", f"{why}: the log has {size}.", "Indices begin at 0, sizes count entries."
    )


def _print_consistency(made: ConsistencyProof, out: Path | None, as_json: bool) -> None:
    hashes = [digest.hex() for digest in made.path]
    _give(str(made), {"old": made.old, "new": made.new, "hashes": hashes, "proof": str(made)}, out, as_json)


def _signed(given: str, key: VerifierKey) -> Checkpoint:
    if given.isdecimal():
        raise RequestError(
            "checkpoint-mixed", "A size beside a checkpoint file.", "Give two sizes or two files."
        )
    return open_checkpoint(_bytes(Path(given), MAX_NOTE), key)


def _key(given: str | None, workspace: Path | None) -> VerifierKey:
    """The key given, or that of the workspace, which need not be there otherwise."""
    if given is not None and "+" in given and not Path(given).is_file():
        return VerifierKey.parse(given)
    path = Path(given) if given else (workspace or Environment().workspace()) / "trust" / "log.vkey"
    if given is None and not path.is_file():
        raise RequestError("log-key-missing", "No key of a log is known here.", "Give it with --log-key.")
    return VerifierKey.parse(_bytes(path, _MAX_KEY).decode(errors="replace").strip())


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise RequestError(
            "file-unreadable", f"{path} cannot be read: {error.strerror}.", "Name a file."
        ) from error
    if len(data) > limit:
        raise RequestError("file-too-large", f"{path} has more than {limit} bytes.", "It is something else.")
    return data


def _give(text: str, fields: dict[str, object], out: Path | None, as_json: bool) -> None:
    """Text to a file or to standard output, as it is."""
    if out is not None:
        _write(out, text)
        fields = {**fields, "file": str(out)}
    if as_json:
        emit(fields)
    elif out is not None:
        say(f"Written: {out}")
    else:
        typer.echo(text, nl=not text.endswith("\n"))


def _write(out: Path, text: str) -> None:
    with storage_errors(out), replacing(out, 0o644) as stream:
        stream.write(text.encode())
