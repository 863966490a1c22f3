"""C2SP tlog-policy: which logs and witnesses are known, and how many witnesses are enough (spec/ledger 1).

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <member>...
    quorum <name>|none

A name is defined before it is used, so nothing can refer to itself; it is a member of one group at most, so
no witness counts twice. The format has no version yet (2026): what is not in it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from void_audit.canon import note as notes
from void_audit.canon.cosignature import CosignerKey, time_of
from void_audit.canon.note import VerifierKey
from void_audit.errors import IdentityError, VoidAuditError

MAX_POLICY = 256 * 1024
"""Bytes; a witness with an ML-DSA key takes 1.8 kB."""
MAX_NAMES = 64
"""Logs, witnesses and groups, of each; C2SP asks for at least 32."""
MAX_URL = 500

NONE = "none"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HINT = "It is a tlog-policy: see docs/witnessing.md."


@dataclass(frozen=True)
class Witness:
    """A witness line."""

    name: str
    """What the policy calls it; the key has a name of its own."""
    key: CosignerKey
    url: str | None
    """Submission prefix (tlog-witness), without a slash at its end."""


@dataclass(frozen=True)
class Group:
    """A group line: ``need`` of ``members`` are enough."""

    name: str
    need: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Who cosigned, and whether that is enough."""

    cosigned: tuple[tuple[str, int], ...]
    """Name of the witness and when it says it did so (seconds since 1970; 0: it does not say), in policy order."""
    held: tuple[str, ...]
    """Members of the quorum that count as having cosigned: witnesses or groups."""
    members: tuple[str, ...]
    """All members of the quorum; none where the policy asks for no witness."""
    met: bool
    """Whether the quorum is met; true where the policy asks for no witness."""


@dataclass(frozen=True)
class Policy:
    """A whole policy."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str | None = None
    """A witness or a group; None if no witness is asked for."""

    def knows_log(self, log: VerifierKey) -> bool:
        """Whether the policy is for this log. One that names no log is for any, but no log is its own witness."""
        own_witness = any(witness.key.public == log.public for witness in self.witnesses)
        return not own_witness and (not self.logs or log in self.logs)

    def judge(self, checkpoints: Iterable[str]) -> Verdict:
        """Who cosigned at least one of these checkpoint notes. That the log signed them is not checked here.

        Raises:
            NoteError: ``note-signature-bad`` if the cosignature of a known witness is wrong: trust nothing in
                that note; those of ``note.parse``.
        """
        at: dict[str, int] = {}
        for text in checkpoints:
            note = notes.parse(text)
            for witness in self.witnesses:
                for signature in notes.signatures_of(note, witness.key):
                    at[witness.name] = _earlier(at.get(witness.name, 0), time_of(signature))
        held = self._held(at)
        members = self._quorum_members()
        return Verdict(
            cosigned=tuple((w.name, at[w.name]) for w in self.witnesses if w.name in at),
            held=tuple(name for name in members if name in held),
            members=members,
            met=self.quorum is None or self.quorum in held,
        )

    def enough(self, names: Iterable[str]) -> bool:
        """Whether these witnesses are enough; nobody is where no witness is asked for."""
        return self.quorum is not None and self.quorum in self._held(names)

    def _held(self, names: Iterable[str]) -> set[str]:
        """These witnesses, and the groups of which they are enough."""
        held = set(names)
        for group in self.groups:  # its members are defined above it
            if len(held.intersection(group.members)) >= group.need:
                held.add(group.name)
        return held

    def _quorum_members(self) -> tuple[str, ...]:
        if self.quorum is None:
            return ()
        return next((g.members for g in self.groups if g.name == self.quorum), (self.quorum,))


def cosigned_at(note: str, policy: Policy) -> list[tuple[str, int]]:
    """Witnesses of the policy that cosigned a checkpoint note, each with its earliest time (seconds since 1970).

    One whose cosignature names no time is left out. Raises as ``Policy.judge``.
    """
    return [(name, at) for name, at in policy.judge([note]).cosigned if at]


def agreed_at(note: str, policy: Policy) -> tuple[tuple[str, ...], int] | None:
    """The witnesses whose word is enough that a checkpoint was there, and by when they had all seen it.

    The earliest such time, in seconds since 1970; None where fewer cosigned than the policy asks for, or it asks
    for none. Raises as ``Policy.judge``.
    """
    told = sorted(cosigned_at(note, policy), key=lambda said: said[1])
    for count, (_, at) in enumerate(told, 1):
        who = tuple(name for name, _ in told[:count])
        if policy.enough(who):
            return who, at
    return None


def parse_policy(text: str | bytes) -> Policy:
    """Parse a policy.

    Raises:
        IdentityError: ``log-policy-malformed``, naming the line; ``ml-dsa-missing``.
    """
    parser = _Parser()
    for number, line in enumerate(_lines(text), 1):
        words = [word for word in re.split("[ \t]+", line) if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            parser.line(words)
        except _Wrong as wrong:
            raise _malformed(f"line {number}: {wrong}") from None
        except VoidAuditError as error:  # a key that is none
            if error.code == "ml-dsa-missing":
                raise
            raise _malformed(f"line {number}: {error.message}") from error
    if not parser.has_quorum:
        raise _malformed("there is no quorum line")
    return parser.policy()


class _Wrong(Exception):
    """What is wrong with a line."""


@dataclass
class _Parser:
    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    has_quorum: bool = False
    names: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    """Names that are a member of a group."""
    keys: set[bytes] = field(default_factory=set)

    def policy(self) -> Policy:
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def line(self, words: list[str]) -> None:
        kinds: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        if words[0] not in kinds:
            raise _Wrong(f"{words[0][:40]!r} begins no line of a policy")
        kinds[words[0]](words[1:])

    def _log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise _Wrong("a log line reads: log VKEY [URL]")
        key = VerifierKey.parse(words[0])
        self._new_key(key.public)
        _bounded(self.logs)
        self.logs.append(key)

    def _witness(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise _Wrong("a witness line reads: witness NAME VKEY [URL]")
        key = CosignerKey.parse(words[1])
        self._new_name(words[0])
        self._new_key(key.public)
        _bounded(self.witnesses)
        self.witnesses.append(Witness(words[0], key, _url(words[2]) if len(words) == 3 else None))

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise _Wrong("a group line reads: group NAME all|any|K MEMBER...")
        name, how, *members = words
        self._new_name(name)
        for member in members:
            if member not in self.names - {name}:
                raise _Wrong(f"{member[:80]!r} is not defined above it")
            if member in self.taken:
                raise _Wrong(f"{member[:80]!r} is a member already")
            self.taken.add(member)
        _bounded(self.groups)
        self.groups.append(Group(name, _needed(how, len(members)), tuple(members)))

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1:
            raise _Wrong("a quorum line reads: quorum NAME, or quorum none")
        if self.has_quorum:
            raise _Wrong("there is a second quorum line")
        if words[0] != NONE and words[0] not in self.names:
            raise _Wrong(f"{words[0][:80]!r} is not defined above it")
        self.has_quorum, self.quorum = True, None if words[0] == NONE else words[0]

    def _new_name(self, name: str) -> None:
        if name == NONE or name in self.names:
            raise _Wrong(f"the name {name[:80]!r} is taken")
        self.names.add(name)

    def _new_key(self, public: bytes) -> None:
        """One key is one log or one witness: else the operator could be its own witness."""
        if public in self.keys:
            raise _Wrong("this key is there already")
        self.keys.add(public)


def _needed(how: str, members: int) -> int:
    if how in {"all", "any"}:
        return members if how == "all" else 1
    if not re.fullmatch(r"[1-9][0-9]{0,3}", how) or int(how) > members:
        raise _Wrong(f"{how[:40]!r} of {members} members is no threshold")
    return int(how)


def _url(text: str) -> str:
    """An http(s) prefix without user, query or fragment: what is posted to it goes nowhere else."""
    try:
        parts = urlsplit(text)
        port_known = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        raise _Wrong(f"{text[:80]!r} is no URL") from None
    plain = (
        text.isascii()
        and text.isprintable()
        and not (parts.query or parts.fragment or "?" in text or "#" in text)
    )
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or not plain:
        raise _Wrong(f"{text[:80]!r} is no plain http or https URL")
    if not port_known or len(text) > MAX_URL:
        raise _Wrong(f"{text[:80]!r} is no usable URL")
    return text.rstrip("/")


def _lines(text: str | bytes) -> list[str]:
    if len(text) > MAX_POLICY:
        raise _malformed(f"it has more than {MAX_POLICY} bytes")
    try:
        whole = text.decode() if isinstance(text, bytes) else text
        whole.encode()
    except UnicodeError:
        raise _malformed("it is not UTF-8") from None
    lines = whole.split("\n")
    for number, line in enumerate(lines, 1):
        if _CONTROL.search(line):
            raise _malformed(f"line {number}: a control character")
    return lines


def _bounded(so_far: list[VerifierKey] | list[Witness] | list[Group]) -> None:
    if len(so_far) >= MAX_NAMES:
        raise _Wrong(f"there are more than {MAX_NAMES} of its kind")


def _earlier(one: int, other: int) -> int:
    """The earlier of two times, where 0 is none."""
    return min(one, other) if one and other else one or other


def _malformed(why: str) -> IdentityError:
    return IdentityError(
        "log-policy-malformed", f"The policy of log and witnesses cannot be used: {why.rstrip('.')}.", _HINT
    )
