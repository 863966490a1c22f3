"""What a checked answer says, and what it leaves open, in words for the person who looks at it next."""

from __future__ import annotations

from void_audit.model.reasoning import AffectedObject, Belonging, Consequences
from void_audit.pipeline.reason.vlm.plain import clipped


def summary_of(
    said_by: str, affected: list[AffectedObject], belongings: list[Belonging], confidence: float
) -> str:
    """Plain language of at most 4000 characters, made from checked values; it says which engine said so.

    Rules read its words (``reasoning.words``) beside nouns and reasons of what is affected: so belongings stand first
    in it, in full, and movements are not cut; only replies longer than was asked for may lose the last of them.
    """
    parts = [f"{clipped(said_by, 200)} says, unproven, with a confidence of {confidence:.2f}:"]
    parts += [_going(belonging) for belonging in belongings]
    parts += [_sentence(thing) for thing in affected]
    if not affected:
        parts.append("Nothing else would be different without the object.")
    return clipped(" ".join(parts), 4000)


def _going(belonging: Belonging) -> str:
    """In full: nowhere else do rules read of it."""
    return f"{belonging.noun} goes with the object{_because(belonging.why, 400)}."


def _sentence(thing: AffectedObject) -> str:
    kind = "looks different" if thing.category == "visual_artifact" else "behaves differently"
    since = f"{clipped(thing.noun, 60)} {kind} from frame {thing.frames.start} on{_because(thing.why, 120)}."
    return " ".join([since, *fate_of(thing)])


def _because(why: str, most: int) -> str:
    return f": {clipped(why.rstrip('.'), most)}" if why else ""


def fate_of(thing: AffectedObject) -> list[str]:
    """What would become of a thing without the object, in sentences; none where nothing is said of it."""
    how = thing.movement.rstrip(".")
    said = []
    if thing.will_move:
        said.append(f"It would move without the object{f': {how}' if how else ''}.")
    elif how:
        said.append(f"Of its movement is said: {how}.")
    if thing.should_have_stayed:
        said.append("It would have stayed where it was.")
    return said


def gaps(consequences: Consequences) -> tuple[str, ...]:
    """What a checked answer leaves open, for the person who looks at it next.

    It stands in a record, so it names nothing in the reply's words: things are numbered in the reply's order.
    """
    said = [
        f"Affected {i}: {gap}" for i, thing in enumerate(consequences.affected, 1) for gap in _gaps(thing)
    ]
    said += [
        f"Belonging {i}: it goes with the object, but not said where."
        for i, belonging in enumerate(consequences.belongings, 1)
        if not belonging.localizations
    ]
    if not consequences.scene_description:
        said.append("The world after the edit is not described.")
    return tuple(said)


def _gaps(thing: AffectedObject) -> list[str]:
    shown = any(place.cells for place in thing.localizations)
    said = []
    if not (shown or thing.trajectory or thing.original_position):
        said.append("said to be affected, but not where; nothing is opened for it.")
    if thing.will_move and not thing.trajectory:
        said.append("said to move without the object, but not where to.")
    if thing.should_have_stayed and not thing.original_position:
        said.append("said to have been moved by the object, but not from where.")
    return said
