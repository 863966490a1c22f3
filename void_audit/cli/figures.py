"""What a pass counted and measured, in words; records and ``--json`` keep its own names and numbers."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = {
    "from_other_frames_share": "{:.1%} of what is made anew was seen in other frames",
    "from_examples_share": "{:.1%} was made after the example of its surroundings",
    "from_smooth_share": "{:.1%} only smoothed in",
    "never_seen_share_max": "never seen of one frame's area: {:.1%} at most",
    "never_seen_share_mean": "{:.1%} on average",
    "camera_moves_share": "the camera moves in {:.0%} of the frames",
    "flicker_before": "flicker {:.2f} levels before",
    "flicker_after": "{:.2f} after",
    "sharpness_kept": "{:.0%} of the sharpness kept",
    "refined": "",  # a take that was kept says so in a warning
    "replaced_levels": "the pictures put in differ from the source's by {:.1f} levels on average",
    "unused_levels": "elsewhere the supplied clip differs by {:.1f}",
    "toned_levels": "toned down by {:.1f} levels on average",
    "seam_levels": "{:.1f} levels at the border of the area",
    "detail_kept": "{:.0%} of the detail left",
    "colour_kept": "{:.0%} of the colour left",
    "steps": "{:.0f} steps",
    "windows": "{:.0f} windows",
    "latent_frames": "{:.0f} latent frames",
    "resumed_from_step": "gone on from step {:.0f}",
    "seconds_per_forward": "{:.2f} seconds a forward",
}
_FILL = "fill_"
_NOTHING_IF_ZERO = {"resumed_from_step"}


def in_words(statistics: Mapping[str, float]) -> str:
    """The figures of a pass as one line, in the order of the table; what it does not know comes last, by its name."""
    plain = {
        name.removeprefix(_FILL): value
        for name, value in statistics.items()
        if value or name not in _NOTHING_IF_ZERO
    }
    known = [words.format(plain[name]) for name, words in _WORDS.items() if name in plain]
    others = [f"{name.replace('_', ' ')} {value:g}" for name, value in plain.items() if name not in _WORDS]
    return ", ".join(words for words in (*known, *others) if words)
