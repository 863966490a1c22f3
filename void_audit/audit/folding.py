"""What an edit's records say when they are told in order, refused or not (obligations 7 and 9)."""

from __future__ import annotations

from void_audit.identity.registry import KeyRegistry
from void_audit.model.lifecycle import EditState, Signed
from void_audit.model.proof import StoredEntry
from void_audit.model.records import Approval, HouseRecord, Intent, MaskRevision, PromptRevision, Role


class Telling:
    """What the records say before each place in the log. Asked in log order, it takes every record once."""

    def __init__(self, entries: tuple[StoredEntry, ...], registry: KeyRegistry) -> None:
        """``entries``: the edit's own, in log order, refused or not."""
        self._entries, self._registry = entries, registry
        self._state, self._next, self._asked = EditState(), 0, 0

    def before(self, index: int) -> EditState:
        """The state that the records before entry ``index`` reach."""
        if index < self._asked:
            self._state, self._next = EditState(), 0
        self._asked = index
        while self._next < len(self._entries) and self._entries[self._next].index < index:
            entry = self._entries[self._next]
            signers = self._registry.holders_of(entry.key_ids)
            self._state, self._next = self._state.advance(Signed(entry.statement, signers)), self._next + 1
        return self._state


def tell(
    entries: tuple[StoredEntry, ...], edit: str | None, registry: KeyRegistry
) -> tuple[EditState, str | None, str | None]:
    """Fold on past a refusal, so that every obligation sees the records that there are.

    Args:
        entries: all records shown, in log order; those of the house are passed over.
        edit: whose records they should be.
        registry: the keys, to tell who counts as having signed.

    Returns:
        The state that all records of the edit reach; why their order is refused (obligation 7), and why an
        approval is (obligation 9), each None if it is not.
    """
    state, order, approval = EditState(), None, None
    last = -1
    for entry in entries:
        predicate = entry.statement.predicate
        if entry.index == last:
            order = order or f"entry {entry.index} is given twice"
        last = entry.index
        if isinstance(predicate, HouseRecord):
            continue
        if edit is not None and predicate.edit != edit:
            order = order or f"entry {entry.index} belongs to edit {predicate.edit}, not to {edit}"
            continue
        order = order or state.refuse_order(predicate)
        approval = approval or state.refuse_approval(predicate)
        signers = _answerable(entry, registry)
        if isinstance(predicate, MaskRevision | PromptRevision):
            signers = entry.key_ids  # whoever signed it made it, with the role for it or without
        if isinstance(predicate, Intent):
            signers = (*entry.key_ids, predicate.requester)  # whoever signed it, or is said to have asked
        # A rotated key is still the same person's, who neither approves twice nor what they asked for.
        state = state.advance(Signed(entry.statement, registry.holders_of(signers)))
    return state, order, approval


def _answerable(entry: StoredEntry, registry: KeyRegistry) -> tuple[str, ...]:
    """Who counts as having signed: keys with a role for it; of approvals never a machine's key."""
    roles = {key: registry.roles_at(key, entry.index) for key in entry.key_ids}
    record = entry.statement.predicate
    barred = {Role.MACHINE} if isinstance(record, Approval) else set()
    return tuple(key for key, held in roles.items() if held & record.signers and not held & barred)
