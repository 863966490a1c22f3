"""What a checked answer says, and what it leaves open, in words for the person who looks at it next."""

from __future__ import annotations

from void_audit.model.reasoning import AffectedObject, Belonging, Consequences
from void_audit.pipeline.reason.vlm.plain import clipped


def summary_of(
    said_by: str, affected: list[AffectedObject], belongings: list[Belonging], confidence: float
) -> str:
    """Plain language of at most 4000 characters, made from checked values; it says which engine said so."""
    parts = [f"{said_by} says, unproven:", *(_sentence(thing) for thing in affected)]
    if not affected:
        parts.append("Nothing else would be different without the object.")
    if belongings:
        parts.append(f"With the object goes: {', '.join(clipped(b.noun, 60) for b in belongings)}.")
    return clipped(" ".join([*parts, f"Its own confidence is {confidence:.2f}."]), 4000)


def _sentence(thing: AffectedObject) -> str:
    kind = "looks different" if thing.category == "visual_artifact" else "behaves differently"
    fate = " It would move without the object." if thing.will_move else ""
    fate += " It would have stayed where it was." if thing.should_have_stayed else ""
    why = clipped(thing.why.rstrip("."), 300)
    return f"{clipped(thing.noun, 60)} {kind} from frame {thing.frames.start} on: {why}.{fate}"


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
