"""FFV1 on request: outside the mask the finished file is the source's own, sample for sample."""

from __future__ import annotations

from simulator.studio import Choices, Studio, failures

from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.model.plan import EncoderSettings


def test_the_manifest_stands_beside_matroska_and_every_kept_sample_is_the_sources(tmp_path):
    studio = Studio(tmp_path)
    planned = studio.plan(choices=Choices(encoder=EncoderSettings(codec="ffv1")))
    studio.approve(planned.edit)
    finished = studio.run(planned.edit, tmp_path / "edited.mkv")
    assert finished.delivered.sidecar == tmp_path / "edited.c2pa"

    report = studio.sealed(finished.delivered.path).verify(source=True, receipt=True)
    assert failures(report) == set()
    assert report.exit_code == 0

    mask = MaskFile(studio.workshop.blobs.path(finished.state.mask.mask))
    clips = (VideoClip(tmp_path / "request" / "clip.mp4"), VideoClip(finished.delivered.path))
    for source, output, classes in zip(*(c.planes() for c in clips), mask.classes(), strict=True):
        assert (source.planes[0][classes == 3] == output.planes[0][classes == 3]).all()
        assert (source.planes[0][classes != 3] != output.planes[0][classes != 3]).any()


def test_without_its_sidecar_nobody_can_tell(tmp_path):
    studio = Studio(tmp_path)
    planned = studio.plan(choices=Choices(encoder=EncoderSettings(codec="ffv1")))
    studio.approve(planned.edit)
    finished = studio.run(planned.edit, tmp_path / "edited.mkv")
    finished.delivered.sidecar.unlink()
    report = studio.sealed(finished.delivered.path).verify(receipt=True)
    assert failures(report) == set()
    assert report.exit_code == 3
