"""Clicks that cannot be used are refused by name, before anything is computed."""

import pytest

from void_audit.errors import RequestError
from void_audit.model.track import Click
from void_audit.pipeline.segment.clicks import check_clicks, prompts


@pytest.fixture
def info(scenes):
    return scenes(5, lambda i: (60, 60)).clip.info


@pytest.mark.parametrize(
    ("clicks", "code", "value"),
    [
        ([], "clicks-none", "0 clicks"),
        ([Click(frame=0, x=1, y=1, label="background")], "clicks-none", "1 clicks"),
        ([Click(frame=5, x=1, y=1)], "click-outside-clip", "frame 5"),
        ([Click(frame=0, x=240, y=1)], "click-outside-frame", "240"),
        ([Click(frame=0, x=1, y=160)], "click-outside-frame", "160"),
        ([Click(frame=0, x=1, y=1), Click(frame=9, x=1, y=1, label="background")], "click-outside-clip", "9"),
    ],
)
def test_unusable_clicks_are_refused_with_the_value(info, clicks, code, value):
    with pytest.raises(RequestError, match=value) as caught:
        check_clicks(clicks, info)
    assert caught.value.code == code
    assert caught.value.hint


def test_clicks_on_the_last_pixel_of_the_last_frame_are_fine(info):
    check_clicks([Click(frame=4, x=239.9, y=159.9)], info)


def test_clicks_are_grouped_by_frame_and_kind(info):
    clicks = [
        Click(frame=3, x=1.9, y=2), Click(frame=1, x=5, y=6), Click(frame=3, x=7, y=8, label="background"),
        Click(frame=2, x=7, y=8, label="background"),
    ]  # fmt: skip
    found = prompts(clicks, info)
    assert [p.frame for p in found] == [1, 3]
    assert found[1].inside == ((1, 2),)
    assert found[1].outside == ((7, 8),)
