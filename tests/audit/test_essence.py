"""Other tracks are no part of what was recorded. Other pictures and sound: tests/simulator/test_review.py."""

from __future__ import annotations

import av
import pytest
from clips import write_clip

from void_audit.errors import ClipError
from void_audit.media.packets import other_tracks, packet_digests


def with_subtitles(clip, path):
    """The same packets, and one line of words beside them."""
    with av.open(str(clip)) as source, av.open(str(path), "w", "matroska") as target:
        picture = source.streams.video[0]
        copy = target.add_stream_from_template(picture)
        target.add_attachment("words.txt", "text/plain", b"other words")
        for packet in source.demux(picture):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    return path


def test_a_track_that_the_digests_do_not_cover_is_counted(tmp_path):
    clip = tmp_path / "clip.mp4"
    write_clip(clip, width=64, height=48, frames=4)
    more = with_subtitles(clip, tmp_path / "more.mkv")
    assert packet_digests(more) == packet_digests(clip)
    assert (other_tracks(clip), other_tracks(more)) == (0, 1)


def test_what_is_no_video_is_our_error(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"#EXTM3U\nhttp://example.invalid/a.ts\n")
    with pytest.raises(ClipError):
        other_tracks(path)
