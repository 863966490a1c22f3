"""Marks that cannot be used are refused by name, before anything is computed; the others are sorted."""

import pytest

from void_audit.errors import RequestError
from void_audit.model.geometry import Rect
from void_audit.model.track import Box, Click
from void_audit.pipeline.segment.marks import check_marks, marked_frames, objects, prompts


@pytest.fixture
def info(scenes):
    return scenes(5, lambda i: (60, 60)).clip.info


def on(frame=0, x=1.0, y=1.0, **more):
    return Click(frame=frame, x=x, y=y, **more)


def off(frame=0, x=1.0, y=1.0, **more):
    return Click(frame=frame, x=x, y=y, label="background", **more)


def box(frame=0, x=10.0, y=10.0, width=20.0, height=20.0, **more):
    return Box(frame=frame, x=x, y=y, width=width, height=height, **more)


@pytest.mark.parametrize(
    ("marks", "code", "value"),
    [
        ([], "clicks-none", "0 clicks"),
        ([off()], "clicks-none", "1 clicks for object 1 "),
        ([on(5)], "click-outside-clip", "frame 5"),
        ([on(x=240)], "click-outside-frame", "240"),
        ([on(y=160)], "click-outside-frame", "160"),
        ([on(), off(9)], "click-outside-clip", "9"),
        ([box(5)], "box-outside-clip", "frame 5"),
        ([box(x=240)], "box-outside-frame", "240"),
        ([box(y=160)], "box-outside-frame", "160"),
        ([on(), box(7, object=2)], "box-outside-clip", "7"),
        ([on(), off(object=3)], "clicks-none", "object 3"),
        ([box(), off(object=2), off(object=2)], "clicks-none", "2 clicks for object 2"),
        ([on(object=2), off()], "clicks-none", "object 1"),
        ([box(3), box(3, x=50)], "box-repeated", "2 boxes on frame 3"),
    ],
)
def test_unusable_marks_are_refused_with_the_value(info, marks, code, value):
    for asked in (check_marks, prompts):
        with pytest.raises(RequestError, match=value) as caught:
            asked(marks, info)
        assert caught.value.code == code
        assert caught.value.hint


@pytest.mark.parametrize(
    "marks",
    [
        [on(4, 239.9, 159.9)],
        [box(4, 239.9, 159.9, 0.1, 0.1)],
        [box(0, 0, 0, 1e9, 1e9)],
        [box(), off()],
        [box(1), box(2), box(1, object=2)],
        [on(object=16), box(object=2)],
    ],
)
def test_marks_in_the_clip_are_fine_up_to_its_last_pixel(info, marks):
    check_marks(marks, info)


def test_marks_are_grouped_by_frame_and_kind(info):
    marks = [on(3, 1.9, 2), on(1, 5, 6), off(3, 7, 8), off(2, 7, 8), box(2, 4, 5)]
    found = prompts(marks, info)
    assert [p.frame for p in found] == [1, 2, 3]
    assert (found[2].inside, found[2].outside, found[2].box) == (((1, 2),), ((7, 8),), None)
    assert (found[1].inside, found[1].outside) == ((), ((7, 8),))
    assert found[1].box == Rect(x=4, y=5, width=20, height=20)


def test_background_clicks_alone_start_no_frame(info):
    assert [p.frame for p in prompts([on(1), off(2), off(3, object=2), box(4, object=2)], info)] == [1]


def test_every_object_has_its_own_prompts(info):
    marks = [on(1, object=2), on(3), off(1, 9, 9, object=2), box(3, object=7)]
    assert objects(marks) == (1, 2, 7)
    assert marked_frames(marks) == (1, 3)
    assert [(p.frame, p.inside) for p in prompts(marks, info)] == [(3, ((1, 1),))]
    assert [(p.frame, p.outside) for p in prompts(marks, info, object=2)] == [(1, ((9, 9),))]
    (last,) = prompts(marks, info, object=7)
    assert last.box is not None
    assert prompts(marks, info, object=5) == ()


@pytest.mark.parametrize(
    ("given", "cut"),
    [
        ((10.2, 20.9, 5.0, 5.05), (10, 20, 6, 6)),
        ((230.0, 150.0, 1e9, 11.0), (230, 150, 10, 10)),
        ((0.0, 0.0, 0.3, 0.3), (0, 0, 1, 1)),
        ((239.9, 159.9, 0.1, 7.0), (239, 159, 1, 1)),
    ],
)
def test_boxes_are_cut_to_the_picture_and_rounded_outwards(info, given, cut):
    (prompt,) = prompts([box(0, *given)], info)
    assert (prompt.box.x, prompt.box.y, prompt.box.width, prompt.box.height) == cut
