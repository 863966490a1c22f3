"""What two clips must have in common before pictures of one stand in the other, and what is only warned of."""

from __future__ import annotations

from pathlib import Path

import pytest
from clips import write_clip

from void_audit.errors import RequestError
from void_audit.media.probe import probe
from void_audit.pipeline.synthesize.supplied_fit import check_fit, fit_warnings


def test_a_clip_fits_as_players_show_it(tmp_path: Path) -> None:
    upright = probe(write_clip(tmp_path / "a.mp4", width=64, height=48, frames=3))
    turned = upright.model_copy(update={"rotation": 90})  # width and height are already those that are shown
    check_fit(turned, upright)
    with pytest.raises(RequestError) as caught:
        check_fit(upright.model_copy(update={"width": 48, "height": 64}), upright)
    assert caught.value.code == "supplied-size"
    assert "48x64" in caught.value.message


def test_another_curve_is_warned_of_only_where_both_are_told(tmp_path: Path) -> None:
    source = probe(write_clip(tmp_path / "a.mp4", width=64, height=48, frames=3))
    told = source.model_copy(update={"color_transfer": 1, "color_primaries": 1})
    assert not fit_warnings(told.model_copy(update={"color_transfer": 2, "color_primaries": 2}), told)
    assert len(fit_warnings(told.model_copy(update={"color_transfer": 16, "color_primaries": 9}), told)) == 1
