"""``witness``: vouch for another house's log, and have one's own vouched for."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from void_audit.cli.console import JsonOption, WorkspaceOption, cell, emit, err, group, guarded, say
from void_audit.errors import RequestError
from void_audit.settings import Environment

app = group("Witnesses: cosign another house's log, or ask for it.")

HOLDER = "witness"
"""Whose passphrase: VOID_AUDIT_PASSPHRASE_WITNESS."""

FolderOption = Annotated[Path, typer.Option("--folder", help="The witness's folder.")]


@app.command()
@guarded
def init(
    name: Annotated[str, typer.Option("--name", help="Its name for ever, like partner.example/witness.")],
    folder: FolderOption = Path("witness"),
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the keys unencrypted: for trying out only.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a witness: its keys (Ed25519, and ML-DSA-44 where it can be had) and an empty memory.

    Example: void-audit witness init --name partner.example/witness --folder witness
    """
    from void_audit.ledger.witness_folder import WitnessFolder  # noqa: PLC0415 - only here

    phrase = None if no_passphrase else Environment().passphrase(HOLDER)
    if phrase is None and not no_passphrase:
        phrase = _asked("New passphrase for the keys of this witness", confirm=True)
    made = WitnessFolder.create(folder, name, phrase)
    if as_json:
        emit(
            {
                "witness": made.name,
                "folder": str(folder),
                "vkeys": list(made.vkeys),
                "encrypted": phrase is not None,
            }
        )
        return
    say(f"Witness {made.name} in {folder}. Its verifier keys, to be handed to houses and verifiers:")
    for vkey in made.vkeys:
        say(vkey)
    if phrase is None:
        say("The keys are NOT encrypted (--no-passphrase).", "yellow")
    say(
        f"Next: void-audit witness add-log VKEY --folder {folder}; void-audit witness serve --folder {folder}"
    )


@app.command("add-log")
@guarded
def add_log(
    vkey: Annotated[
        str, typer.Argument(metavar="VKEY", help="The log's verifier key, or a file that holds it.")
    ],
    folder: FolderOption = Path("witness"),
    as_json: JsonOption = False,
) -> None:
    """Know a log by its key, obtained from its house by a way that you trust.

    Example: void-audit witness add-log trust/log.vkey --folder witness
    """
    from void_audit.canon.note import VerifierKey  # noqa: PLC0415 - only here
    from void_audit.ledger.witness_folder import WitnessFolder  # noqa: PLC0415

    key = VerifierKey.parse(_vkey(vkey))
    new = WitnessFolder(folder).store.add_log(key)
    if as_json:
        emit({"log": key.name, "vkey": str(key), "new": new})
    else:
        say(f"{key.name} {'is known from now on' if new else 'was known already'}.")


@app.command()
@guarded
def show(folder: FolderOption = Path("witness"), as_json: JsonOption = False) -> None:
    """Show a witness's verifier keys, the logs that it knows, and how far it has cosigned each.

    Example: void-audit witness show --folder witness
    """
    from void_audit.ledger.witness_folder import WitnessFolder  # noqa: PLC0415 - only here

    witness = WitnessFolder(folder)
    logs = [
        {"log": log.key.name, "vkey": str(log.key), "size": log.known.size, "root": log.known.root.hex()}
        for log in witness.logs()
    ]
    if as_json:
        emit({"witness": witness.name, "vkeys": list(witness.vkeys), "logs": logs})
        return
    say(f"Witness {witness.name}")
    for vkey in witness.vkeys:
        say(f"  {vkey}")
    for log in logs:
        say(f"{log['log']}: {log['size']} entries cosigned, root {log['root']}")
    if not logs:
        say("No log yet: void-audit witness add-log VKEY", "yellow")


@app.command()
@guarded
def serve(
    folder: FolderOption = Path("witness"),
    listen: Annotated[
        str, typer.Option("--listen", help="Address and port; port 0 takes a free one.")
    ] = "127.0.0.1:8460",
    prefix: Annotated[str, typer.Option("--prefix", help="Path before every path, like /witness.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Cosign for the logs that it knows, over HTTP (C2SP tlog-witness), until it is stopped.

    It speaks no TLS: put a reverse proxy before it. Ctrl-C and SIGTERM let requests that have begun finish.

    Example: void-audit witness serve --folder witness --listen 127.0.0.1:8460
    """
    from void_audit.ledger.witness_folder import WitnessFolder  # noqa: PLC0415 - only here
    from void_audit.ledger.witness_server import WitnessServer  # noqa: PLC0415

    place = WitnessFolder(folder)
    witness = place.witness(_passphrase(folder))
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+", prefix):
        raise RequestError("option-value", f"{prefix[:80]!r} is no path prefix.", "It reads like /witness.")
    server = WitnessServer(_address(listen), witness, prefix, said=_complain)
    if as_json:
        emit({"witness": place.name, "url": server.url, "logs": [log.key.name for log in place.logs()]})
    else:
        say(f"Witness {place.name} listens on {server.url}; Ctrl-C stops it.")
    try:
        with _stopping(server.shutdown):
            server.serve_forever()
    finally:
        server.server_close()
    if not as_json:
        say("Stopped; every request that had begun was answered.")


@app.command()
@guarded
def ask(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Ask the witnesses in trust/log.policy to cosign the newest checkpoint of this workspace's log.

    Exit 0 if the quorum is met, 1 if a witness contradicts this log, 3 if too few have cosigned.

    Example: void-audit witness ask
    """
    from void_audit.cli.session import workspace_at  # noqa: PLC0415 - a witness has no workspace

    place = workspace_at(workspace)
    ledger, notary = place.writing, place.notary()
    size = ledger.size
    asked = notary.ask(ledger, size)
    verdict = notary.witnesses.policy.judge([ledger.cosigned(size)])
    code = 1 if asked.contradicted else 0 if verdict.met else 3
    if as_json:
        emit(
            {
                "log": ledger.origin,
                "size": size,
                "cosigned": [{"witness": name, "at": at} for name, at in verdict.cosigned],
                "held": len(verdict.held),
                "of": len(verdict.members),
                "quorum_met": verdict.met,
                "warnings": list(notary.warnings),
                "exit_code": code,
            }
        )
    else:
        for warning in notary.warnings:
            err.print(cell(f"warning: {warning}", "bold red" if asked.contradicted else "yellow"))
        say(f"{ledger.origin}, {size} entries")
        for name, at in verdict.cosigned:
            say(f"  cosigned by {name} at {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}")
        say(_summary(len(verdict.held), len(verdict.members), verdict.met))
    raise typer.Exit(code)


def _summary(held: int, members: int, met: bool) -> str:
    if not members:
        return "Operator-trusted: trust/log.policy asks for no witness (docs/witnessing.md)."
    return f"Witnessed {held} of {members}: {'the quorum is met' if met else 'fewer than trust/log.policy asks for'}."


class _stopping:  # noqa: N801 - used like a function
    """Within: Ctrl-C and SIGTERM call ``stop`` in a thread of its own, once or several times."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._signalled)

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _signalled(self, number: int, frame: object) -> None:
        threading.Thread(target=self._stop, daemon=True).start()


def _complain(line: str) -> None:
    err.print(cell(line, "bold red"))


def _passphrase(folder: Path) -> str | None:
    given = Environment().passphrase(HOLDER)
    try:
        encrypted = b"ENCRYPTED" in (folder / "keys" / "ed25519.pem").read_bytes()
    except OSError:  # opening it says it better
        return given
    return _asked("Passphrase of this witness") if given is None and encrypted else given


def _asked(prompt: str, confirm: bool = False) -> str:
    from void_audit.cli.session import read_passphrase  # noqa: PLC0415 - it brings the libraries of a workspace

    return read_passphrase(prompt, confirm)


def _vkey(given: str) -> str:
    if "+" in given and not Path(given).is_file():
        return given
    try:
        with Path(given).open() as stream:
            return stream.read(10_000).strip()
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            "pin-unreadable",
            f"{given} is neither a verifier key nor a file with one.",
            "Give trust/log.vkey.",
        ) from None


def _address(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):([0-9]{1,5})", text)
    if found is None or int(found[2]) > 65535:
        raise RequestError("option-value", f"{text[:80]!r} is no address.", "It reads like 127.0.0.1:8460.")
    return found[1].strip("[]"), int(found[2])
