"""Replay: every stage again from its records; equal, different or not to be told; and nothing is left or written."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from house import STORY, CountingEngines, House

from void_audit.cli.engines import LocalEngines
from void_audit.errors import (
    ClipError,
    LedgerError,
    OrderError,
    RequestError,
    StorageError,
    WeightsError,
    WorkspaceError,
)
from void_audit.media.memory import ArrayClip
from void_audit.model.engine import WeightsRef
from void_audit.model.plan import EncoderSettings
from void_audit.model.report import Obligation, State
from void_audit.model.request import EditRequest
from void_audit.pipeline.synthesize.composite import Compositor
from void_audit.workflow import recorder, replaying, running
from void_audit.workflow.drafting import Choices
from void_audit.workflow.recorder import Recorder
from void_audit.workflow.replaying import replay_edit

PASS, FAIL, UNKNOWN, LATER = State.PASS, State.FAIL, State.UNKNOWN, State.NOT_APPLICABLE


@pytest.fixture(scope="module")
def edit(house):
    """A finished edit."""
    house.engines = Tuned()
    house.workshop = replace(house.workshop, engines=house.engines)
    edit = house.approved("replayed")
    house.run(edit)
    return edit


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary folders are made, to see what is left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def archive(house: House, engines=None, **changes):
    return replace(house.place.archive(), engines=engines or house.engines, **changes)


def states(replay):
    return [stage.state for stage in replay.stages]


class Tuned(CountingEngines):
    """Scripted engines, whose pass 2 makes the take a little brighter.

    In pass ``number``, ``paint`` changes the pictures and ``about`` what the engine says of itself.
    """

    def __init__(self, number=0, paint=lambda n, picture: picture, execution=None, statistics=None, **about):
        super().__init__()
        self.number, self.paint, self.about = number, paint, about
        self.execution, self.statistics, self.jobs = execution or {}, statistics, []

    def synthesizer(self, settings, job):
        self.jobs.append(job)
        return self._tuned(1, super().synthesizer(settings, job), "synthesize")

    def refiner(self, settings, job):
        self.jobs.append(job)
        return self._tuned(2, super().refiner(settings, job), "refine")

    def _tuned(self, number, engine, name):
        tuned = self.number == number
        info = engine.info.model_copy(update=self.about if tuned else {})
        work = getattr(engine, name)

        def worked(*given):
            *inputs, sink, progress = given
            kept = []
            report = work(*inputs, lambda picture: kept.append(picture + np.uint8(number == 2)), progress)
            for place, picture in enumerate(kept):
                painted = self.paint(place, picture) if tuned else picture
                if painted is not None:
                    sink(painted)
            statistics = report.statistics if not tuned or self.statistics is None else self.statistics
            return replace(report, execution=self.execution if tuned else {}, statistics=statistics)

        return SimpleNamespace(**{"info": info, name: worked})


def one_pixel(frame=4, levels=9):
    def paint(number, picture):
        if number == frame:
            picture[2, 3, 1] = picture[2, 3, 1] + np.uint8(levels)
        return picture

    return paint


def inverted(take):
    return ArrayClip([255 - picture for picture in take.frames()])


class TestHonest:
    def test_every_stage_is_equal(self, house, edit, temporary):
        calls, size = house.engines.calls.copy(), house.place.writing.size
        done = replay_edit(archive(house), edit)
        assert states(done) == [PASS, PASS, PASS]
        assert all(s.recorded == s.made for s in done.stages)
        assert not any(s.conditions or s.figures or s.pictures for s in done.stages)
        assert (done.finding.obligation, done.finding.state, done.exit_code) == (Obligation.REPLAY, PASS, 0)
        assert house.engines.calls - calls == {"synthesize": 1, "refine": 1}
        assert house.place.writing.size == size
        assert list(temporary.iterdir()) == []

    def test_a_matroska(self, house):
        edit = house.approved("ffv1", Choices(encoder=EncoderSettings(codec="ffv1")))
        house.run(edit)
        assert replay_edit(archive(house), edit).exit_code == 0

    def test_the_prompt_is_the_recorded_one_and_nothing_is_resumed(self, house, edit):
        engines = Tuned(1)
        replay_edit(archive(house, engines), edit)
        assert [(j.prompt, j.checkpoints) for j in engines.jobs] == [
            ("An empty gradient without a square.", None)
        ] * 2

    def test_neither_key_nor_lock_of_the_edit_is_needed(self, own):
        edit = own.approved()
        own.run(edit)
        for secret in (own.place.folder / "keys").rglob("*.pem"):
            secret.unlink()
        with own.workshop.edits.lock(edit):
            assert replay_edit(archive(own), edit).exit_code == 0

    def test_nothing_in_the_workspace_changes(self, own):
        edit = own.approved()
        own.run(edit)
        own.place.exporter().catch_up()  # which otherwise goes on while it is compared

        def everything():
            return {p: p.read_bytes() for p in own.folder.rglob("*") if p.is_file() and "-shm" not in p.name}

        before = everything()
        assert replay_edit(archive(own, Tuned(1, one_pixel())), edit).exit_code == 1
        assert everything() == before


class TestDifferent:
    def test_one_pixel_of_pass_1(self, house, edit, temporary):
        done = replay_edit(archive(house, Tuned(1, one_pixel())), edit)
        assert states(done) == [FAIL, PASS, PASS]  # pass 2 starts from the recorded take
        found = done.stages[0].pictures
        assert (found.differing, found.first, found.most) == (1, 4, 9.0)
        assert (done.finding.state, done.exit_code) == (FAIL, 1)
        assert (
            "Pass 1: 1 of 6 frames differ, from frame 4 on (counted from 0), by up to 9 of"
            in done.finding.detail
        )
        assert "Pass 2" not in done.finding.detail
        assert list(temporary.iterdir()) == []

    def test_one_pixel_of_pass_2(self, house, edit):
        done = replay_edit(archive(house, Tuned(2, one_pixel(5, 1))), edit)
        assert states(done) == [PASS, FAIL, PASS]
        assert done.stages[1].pictures.most == 1.0

    @pytest.mark.parametrize(("paint", "made"), [(lambda n, p: None if n == 5 else p, 5), (None, 7)])
    def test_a_frame_too_few_or_too_many(self, house, edit, paint, made):
        class Longer(Tuned):
            def refiner(self, settings, job):
                engine = super().refiner(settings, job)
                work = engine.refine

                def refine(clip, take, mask, plan, sink, progress):
                    report = work(clip, take, mask, plan, sink, progress)
                    sink(next(take.frames()))
                    return report

                engine.refine = refine
                return engine

        engines = Tuned(1, paint) if paint else Longer()
        done = replay_edit(archive(house, engines), edit)
        stage = done.stages[0 if paint else 1]
        assert stage.state is FAIL
        assert (stage.pictures.made, stage.pictures.differing) == (made, 1)
        assert f"6 frames are on record, {made} were made" in stage.detail

    def test_a_take_that_the_plan_does_not_make(self, own):
        """An operator who lies: the refiner that ran was another than the one on record."""
        edit = own.approved()
        own.workshop = replace(own.workshop, engines=Tuned(2, lambda n, picture: 255 - picture))
        own.run(edit)
        done = replay_edit(archive(own), edit)
        assert states(done) == [PASS, FAIL, PASS]
        assert done.stages[1].pictures.differing == 6

    def test_an_output_that_the_take_does_not_make(self, own, monkeypatch):
        """Another one: what was composited was not the take on record."""
        edit = own.approved()
        with monkeypatch.context() as patch:
            patch.setattr(running, "Compositor", lambda take, *rest: Compositor(inverted(take), *rest))
            own.run(edit)
        done = replay_edit(archive(own), edit)
        assert states(done) == [PASS, PASS, FAIL]
        assert done.stages[2].pictures.differing == 6

    def test_counts_of_the_composite_that_it_does_not_have(self, own, monkeypatch):
        edit = own.approved()
        honest = Recorder.record

        def lying(self, predicate, subjects, signer=None):
            if predicate.kind == "composite":
                predicate = predicate.model_copy(update={"keep_samples": predicate.keep_samples + 1})
            honest(self, predicate, subjects, signer)

        with monkeypatch.context() as patch:
            patch.setattr(Recorder, "record", lying)
            own.run(edit)
        done = replay_edit(archive(own), edit)
        assert states(done) == [PASS, PASS, FAIL]
        assert "keep_samples: recorded" in done.stages[2].detail


class TestConditions:
    @pytest.mark.parametrize(
        ("about", "named"),
        [
            ({"version": "2"}, "engine version: recorded 1, here 2"),
            ({"name": "other"}, "engine: recorded scripted-flat, here other"),
            (
                {"weights": (WeightsRef(name="w", sha256="0" * 64),)},
                f"model file w: recorded nothing, here {'0' * 64}",
            ),
        ],
    )
    def test_another_engine(self, house, edit, about, named):
        equal = replay_edit(archive(house, Tuned(1, **about)), edit)
        assert (states(equal), equal.exit_code) == ([PASS, PASS, PASS], 0)
        assert equal.stages[0].conditions == (named,)
        different = replay_edit(archive(house, Tuned(1, one_pixel(), **about)), edit)
        assert (states(different), different.exit_code) == ([UNKNOWN, PASS, PASS], 3)
        assert different.finding.state is UNKNOWN
        assert "1 of 6 frames differ" in different.finding.detail
        assert named in different.finding.detail
        assert different.finding.remedy

    def test_another_device_or_library(self, house, edit, monkeypatch):
        changed = {**recorder.libraries(), "numpy": "0.1"}
        monkeypatch.setattr(replaying, "libraries", lambda: changed)
        done = replay_edit(archive(house, Tuned(1, one_pixel()), device="toaster"), edit)
        assert states(done) == [UNKNOWN, PASS, PASS]
        assert [c.partition(":")[0] for c in done.stages[2].conditions] == ["device", "numpy"]
        assert "device: recorded cpu, here toaster" in done.stages[0].detail

    def test_another_kind_of_cpu_is_another_condition(self, house, edit):
        record = Recorder(house.workshop, edit).state.take(1)
        assert record.run.libraries["cpu features"] == recorder.libraries()["cpu features"]

    def test_what_the_engine_says_of_its_execution(self, own):
        then = {"device": "cuda H100", "attention": "flash", "noise": "0" * 64}
        edit = own.approved()
        own.workshop = replace(own.workshop, engines=Tuned(1, execution=then))
        own.run(edit)
        same = replay_edit(archive(own, Tuned(1, one_pixel(), then)), edit)
        assert states(same) == [FAIL, PASS, PASS]
        other = replay_edit(archive(own, Tuned(1, one_pixel(), {**then, "attention": "native"})), edit)
        assert states(other) == [UNKNOWN, PASS, PASS]
        assert other.stages[0].conditions == ("attention: recorded flash, here native",)

    def test_another_noise_is_what_came_out_and_excuses_nothing(self, own):
        edit, then = own.approved(), {"noise": "0" * 64}
        own.workshop = replace(own.workshop, engines=Tuned(1, execution=then))
        own.run(edit)
        done = replay_edit(archive(own, Tuned(1, one_pixel(), {"noise": "1" * 64})), edit)
        assert states(done) == [FAIL, PASS, PASS]
        assert done.stages[0].figures == (f"noise: recorded {'0' * 64}, here {'1' * 64}",)

    def test_figures_may_be_others(self, house, edit):
        done = replay_edit(archive(house, Tuned(2, statistics={"refined": 0.25})), edit)
        assert (states(done), done.exit_code) == ([PASS, PASS, PASS], 0)
        assert done.stages[1].figures == ("refined: recorded 0, here 0.25",)


class TestNotThere:
    @pytest.mark.parametrize(
        ("what", "expected"),
        [
            ("source", [UNKNOWN, UNKNOWN, UNKNOWN]),
            ("mask", [UNKNOWN, UNKNOWN, UNKNOWN]),
            ("plan", [UNKNOWN, UNKNOWN, UNKNOWN]),
            ("prompt", [UNKNOWN, UNKNOWN, PASS]),
            ("take 1", [PASS, UNKNOWN, PASS]),
            ("take 2", [PASS, PASS, UNKNOWN]),
            ("output", [PASS, PASS, PASS]),
        ],
    )
    def test_erased(self, house, edit, what, expected):
        """What a stage is made from must be there; of what it made the digest on record is enough."""
        with erased(house, edit, what):
            done = replay_edit(archive(house), edit)
        assert states(done) == expected
        assert done.exit_code == (0 if what == "output" else 3)
        assert all(what in s.detail for s in done.stages if s.state is UNKNOWN)

    def test_a_difference_from_an_erased_take(self, house, edit):
        with erased(house, edit, "take 2"):
            done = replay_edit(archive(house, Tuned(2, one_pixel())), edit)
        assert states(done) == [PASS, UNKNOWN, UNKNOWN]
        assert "not stored any more" in done.stages[1].detail
        assert done.stages[1].pictures is None

    @pytest.mark.parametrize("what", ["source", "mask", "plan", "request", "take 1", "take 2", "output"])
    def test_tampered(self, house, edit, what):
        """That is no failed replay: the stored bytes are not the recorded ones, and nothing is made from them."""
        calls = house.engines.calls.copy()
        with house.damaged(digests(house, edit)[what]), pytest.raises(LedgerError) as caught:
            replay_edit(archive(house), edit)
        assert (caught.value.code, caught.value.exit_code) == ("blob-corrupt", 1)
        assert house.engines.calls == calls

    def test_an_engine_that_cannot_be_had(self, house, edit, temporary):
        class Missing(CountingEngines):
            def synthesizer(self, settings, job):
                raise WeightsError("weights-missing", "void is not here.", "Fetch it.")

            def refiner(self, settings, job):
                raise RequestError("engine-not-installed", "No torch.", "Install it.")

        done = replay_edit(archive(house, Missing()), edit)
        assert (states(done), done.exit_code) == ([UNKNOWN, UNKNOWN, PASS], 3)
        assert "void is not here. Fetch it." in done.stages[0].detail
        assert "No torch." in done.finding.detail
        assert list(temporary.iterdir()) == []

    def test_a_plan_that_this_version_does_not_know(self, own, monkeypatch):
        edit = own.approved()
        own.run(edit)
        with monkeypatch.context() as patch:
            patch.setattr(replaying, "EditPlan", EditRequest)  # whose fields are others
            done = replay_edit(archive(own), edit)
        assert (states(done), done.exit_code) == ([UNKNOWN] * 3, 3)
        assert "The stored plan is none that this version knows." in done.stages[0].detail

    def test_a_recorded_take_that_is_no_video(self, own, monkeypatch):
        """By an operator who lies: its digest is the recorded one, and nothing can be compared with it."""
        edit = own.approved()
        text = own.folder / "text.mkv"
        text.write_bytes(b"text")
        honest = Recorder.record

        def lying(self, predicate, subjects, signer=None):
            if predicate.kind == "pass" and predicate.number == 1:
                predicate = predicate.model_copy(
                    update={"take": self.studio.blobs.put_file(text, "video/x-matroska")}
                )
            honest(self, predicate, subjects, signer)

        with monkeypatch.context() as patch:
            patch.setattr(Recorder, "record", lying)
            with pytest.raises(ClipError):
                own.run(edit)
        done = replay_edit(archive(own), edit)
        assert states(done) == [UNKNOWN, LATER, LATER]
        assert done.exit_code == 3

    def test_a_failure_weighs_more_than_what_cannot_be_told(self, house, edit):
        with erased(house, edit, "take 2"):
            done = replay_edit(archive(house, Tuned(1, one_pixel())), edit)
        assert (states(done), done.exit_code) == ([FAIL, PASS, UNKNOWN], 1)


class TestNotYet:
    @pytest.mark.parametrize("edit", ["0123456789ab", "../x", ""])
    def test_an_edit(self, house, edit):
        with pytest.raises(WorkspaceError) as caught:
            replay_edit(archive(house), edit)
        assert caught.value.code == "edit-unknown"

    @pytest.mark.parametrize("how", ["planned", "approved"])
    def test_a_picture(self, house, how):
        edit = getattr(house, how)(f"unmade-{how}")
        with pytest.raises(OrderError) as caught:
            replay_edit(archive(house), edit)
        assert (caught.value.code, caught.value.exit_code) == ("replay-nothing", 2)
        assert edit in caught.value.hint

    @pytest.mark.parametrize(
        ("stop", "expected"), [("refine", [PASS, LATER, LATER]), ("seal", [PASS, PASS, PASS])]
    )
    def test_the_end(self, house, stop, expected):
        """Unfinished is not green; an output that waits for its seal is all there is to make."""
        edit, whole = house.approved(f"stopped-{stop}"), house.workshop
        house.engines.before = lambda name: (_ for _ in ()).throw(RuntimeError) if name == stop else None
        house.workshop = replace(whole, sealer=lambda: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            house.run(edit)
        house.engines.before, house.workshop = lambda name: None, whole
        done = replay_edit(archive(house), edit)
        assert states(done) == expected
        assert done.exit_code == (3 if LATER in expected else 0)
        assert ("pass 2 and output not on record" in done.finding.detail) == (LATER in expected)
        house.run(edit)
        assert house.steps(edit) == STORY


class TestStopped:
    @pytest.mark.parametrize(
        "when", ["checking what is stored", "painting", "handing on", "compositing and encoding"]
    )
    def test_an_interrupt_leaves_nothing(self, house, edit, temporary, when):
        seen = []

        def interrupt(what, done, total):
            seen.append(what)
            if what == when and done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            replay_edit(archive(house, progress=interrupt), edit)
        assert seen[-1] == when
        assert list(temporary.iterdir()) == []

    def test_one_stage_at_a_time_lies_in_the_temporary_folder(self, house, edit, temporary):
        most = 0

        def look(what, done, total):
            nonlocal most
            most = max(most, len([p for p in temporary.rglob("*") if p.is_file()]))

        replay_edit(archive(house, progress=look), edit)
        assert most == 1

    def test_a_full_disk_is_no_verdict(self, house, edit, temporary, monkeypatch):
        def full(path, plan, source, work):
            raise StorageError("storage-full", "No room.", "Make some.")

        monkeypatch.setattr(replaying, "write_take", full)
        with pytest.raises(StorageError):
            replay_edit(archive(house), edit)
        assert list(temporary.iterdir()) == []


class Local(Tuned):
    """The engines of this machine make the pictures; the object is where the script says."""

    def __init__(self, local):
        super().__init__()
        self.local = local

    def synthesizer(self, settings, job):
        return self.local.synthesizer(settings, job)

    def refiner(self, settings, job):
        return self.local.refiner(settings, job)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 3])
def test_the_embedded_engines_on_any_number_of_threads(own, threads):
    engines = Local(LocalEngines(own.place.models))
    own.workshop = replace(own.workshop, engines=engines)
    edit = own.approved()
    own.run(edit)
    assert Recorder(own.workshop, edit).state.take(1).engine.name == "propagate"
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        done = replay_edit(archive(own, engines), edit)
    finally:
        cv2.setNumThreads(before)
    assert states(done) == [PASS, PASS, PASS], done.finding.detail


def digests(house, edit):
    """What is stored of an edit, by name."""
    named = replaying.artifacts(Recorder(house.workshop, edit).state)
    return {name: getattr(ref, "sha256", ref) for name, ref in named.items()}


class erased:  # noqa: N801
    """Within: a blob is not there."""

    def __init__(self, house, edit, what):
        digest = digests(house, edit)[what]
        self.path = house.place.folder / "blobs" / "sha256" / digest[:2] / digest

    def __enter__(self):
        self.away = self.path.rename(self.path.with_name("away"))

    def __exit__(self, *_):
        self.away.rename(self.path)
