"""Running: never without plan, policy and approvals; each stage once; only what was approved; whole or not at all."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from house import COARSER, STORY, CountingEngines, FullDisk

from void_audit.errors import (
    DeniedError,
    LedgerError,
    OrderError,
    RequestError,
    SealError,
    StorageError,
    WorkspaceError,
)
from void_audit.model.records import Role
from void_audit.workflow.enrolment import enrol
from void_audit.workflow.planning import replan
from void_audit.workflow.recorder import Recorder


class TestNotWithout:
    def refused(self, house, edit, error, code, steps=STORY[:10]):
        calls = house.engines.calls.copy()
        with pytest.raises(error) as caught:
            house.run(edit)
        assert caught.value.code == code
        assert caught.value.hint
        assert house.engines.calls == calls
        assert house.steps(edit) == steps
        assert not any("edited" in p.name for p in house.workshop.edits.path(edit).iterdir())

    def test_approvals(self, house):
        edit = house.planned("unapproved")
        self.refused(house, edit, DeniedError, "approvals-missing")
        assert DeniedError.exit_code == 4

    def test_enough_approvals(self, own):
        """Policy asks for two people where more than a fifth of the picture may change."""
        edit = own.planned()
        recorder = Recorder(own.workshop, edit)
        decision = recorder.state.decision("plan").model_copy(update={"approvals_required": 2})
        recorder.record(decision, {"facts": decision.facts.sha256, "decision": decision.decision.sha256})
        own.approve(edit, "perry")
        state = Recorder(own.workshop, edit).state
        assert state.approvals_missing == 1
        own.approve(edit, "jimmy")
        assert Recorder(own.workshop, edit).state.approvals_missing == 0

    def test_a_plan(self, house):
        house.engines.before = lambda name: (_ for _ in ()).throw(RuntimeError)
        with pytest.raises(RuntimeError):
            house.planned("planless")
        house.engines.before = lambda name: None
        edit = house.edits()[-1]
        self.refused(house, edit, OrderError, "plan-missing", STORY[:3])

    @pytest.mark.parametrize("edit", ["0123456789ab", "../x", ""])
    def test_an_edit(self, house, edit):
        with pytest.raises(WorkspaceError) as caught:
            house.run(edit)
        assert caught.value.code == "edit-unknown"

    def test_policy_now(self, own):
        """The rights window lapsed between plan and run: denied, on the record, and nothing synthesised."""
        lapse = own.clock.now + timedelta(days=1)
        edit = own.approved(rights={"not_after": lapse.isoformat()})
        own.at(lapse)
        for _ in range(2):
            self.refused(own, edit, DeniedError, "policy-denied", [*STORY[:11], "policy-decision:plan"])
        assert own.last(edit).verdict == "deny"

    def test_policy_at_the_end(self, own, tmp_path):
        """Rights that lapse while pixels are made: the output is judged, denied and not sealed."""
        lapse = own.clock.now + timedelta(days=1)
        edit = own.approved(rights={"not_after": lapse.isoformat()})
        own.engines.before = lambda name: own.at(lapse) if name == "refine" else None
        for _ in range(2):
            with pytest.raises(DeniedError) as caught:
                own.run(edit, tmp_path / "out.mp4")
            assert caught.value.code == "policy-denied"
            assert own.steps(edit) == STORY[:16]
        assert own.last(edit).verdict == "deny"
        assert not (tmp_path / "out.mp4").exists()
        own.at(lapse - timedelta(hours=1))  # the rights were extended; here the clock stands in for that
        own.run(edit, tmp_path / "out.mp4")
        assert own.steps(edit) == [*STORY[:16], *STORY[15:]]

    def test_rules(self, own):
        edit = own.approved()
        own.workshop = replace(own.workshop, packs=[])
        self.refused(own, edit, DeniedError, "policy-denied", [*STORY[:11], "policy-decision:plan"])

    def test_the_engine_that_was_approved(self, house):
        class Newer(CountingEngines):
            def synthesizer(self, settings, job):
                engine = super().synthesizer(settings, job)
                info = engine.info.model_copy(update={"version": "2"})
                return _Named(engine, info)

        edit, engines = house.approved("newer"), house.workshop
        house.workshop = replace(engines, engines=Newer())
        self.refused(house, edit, OrderError, "engine-changed", STORY[:11])
        house.workshop = engines
        house.run(edit)

    def test_the_refiner_that_was_approved_is_looked_at_before_pass_1(self, house):
        class Newer(CountingEngines):
            def refiner(self, settings, job):
                engine = super().refiner(settings, job)
                return _Named(engine, engine.info.model_copy(update={"version": "2"}))

        edit, engines = house.approved("newer refiner"), house.workshop
        house.workshop = replace(engines, engines=Newer())
        self.refused(house, edit, OrderError, "engine-changed", STORY[:11])
        house.workshop = engines


class _Named:
    def __init__(self, engine, info):
        self._engine, self.info = engine, info

    def __getattr__(self, name):
        return getattr(self._engine, name)


class TestOnlyWhatWasApproved:
    """Somebody with access to the disk swaps stored bytes between approval and run."""

    @pytest.mark.parametrize("what", ["source", "mask", "plan"])
    def test_stored_bytes_that_changed(self, house, what, tmp_path):
        edit = house.approved(f"swapped-{what}")
        recorder = Recorder(house.workshop, edit)
        digest = {
            "source": recorder.subject("source", "source"),
            "mask": recorder.state.mask.mask.sha256,
            "plan": recorder.state.plan.digest,
        }[what]
        with house.damaged(digest) as path:
            with pytest.raises(LedgerError) as caught:
                house.run(edit, tmp_path / "out.mp4")
            assert (caught.value.code, caught.value.exit_code) == ("blob-corrupt", 1)
            assert house.steps(edit) == STORY[:11]
            path.unlink()
            with pytest.raises(LedgerError) as caught:
                house.run(edit, tmp_path / "out.mp4")
            assert caught.value.code == "blob-missing"
        assert not (tmp_path / "out.mp4").exists()

    @pytest.mark.parametrize(("stage", "number"), [("refine", 1), ("seal", 2)])
    def test_a_take_that_changed_while_the_edit_waited(self, house, stage, number, monkeypatch):
        edit = house.approved(f"take-{number}")
        if stage == "refine":
            house.engines.before = lambda name: (_ for _ in ()).throw(RuntimeError) if name == stage else None
        else:
            monkeypatch.setattr(
                "void_audit.workflow.running._composite", lambda *a: (_ for _ in ()).throw(RuntimeError)
            )
        with pytest.raises(RuntimeError):
            house.run(edit)
        house.engines.before = lambda name: None
        monkeypatch.undo()
        take = Recorder(house.workshop, edit).state.take(number).take
        with house.damaged(take.sha256), pytest.raises(LedgerError) as caught:
            house.run(edit)
        assert caught.value.code == "blob-corrupt"

    def test_a_sealed_file_that_changed_is_not_delivered(self, house, tmp_path):
        edit = house.approved("sealed-changed")
        finished = house.run(edit, tmp_path / "good.mp4")
        with house.damaged(finished.delivered.sha256), pytest.raises(LedgerError) as caught:
            house.run(edit, tmp_path / "bad.mp4")
        assert caught.value.code == "blob-corrupt"
        assert not (tmp_path / "bad.mp4").exists()


class TestDelivery:
    def test_again_is_the_same_file_and_runs_nothing(self, house, tmp_path):
        edit = house.approved("delivered")
        first = house.run(edit, tmp_path / "a.mp4")
        calls, steps = house.engines.calls.copy(), house.steps(edit)
        second = house.run(edit, tmp_path / "b.mp4")
        assert (house.engines.calls, house.steps(edit)) == (calls, steps)
        assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
        assert first.delivered.sha256 == second.delivered.sha256
        assert house.sealed(second.delivered.path).verify(receipt=True, source=True).exit_code == 0

    def test_after_the_rights_have_lapsed_the_finished_file_is_still_there(self, own, tmp_path):
        lapse = own.clock.now + timedelta(days=1)
        edit = own.approved(rights={"not_after": lapse.isoformat()})
        own.run(edit, tmp_path / "a.mp4")
        own.at(lapse + timedelta(days=1))
        own.run(edit, tmp_path / "b.mp4")
        assert own.steps(edit) == STORY

    def test_by_default_it_lies_with_the_edit(self, house):
        edit = house.approved("default")
        finished = house.run(edit)
        assert finished.delivered.path == house.workshop.edits.path(edit) / "edited.mp4"
        assert finished.delivered.receipt.is_file()

    @pytest.mark.parametrize("place", ["missing/out.mp4", "folder", "locked/out.mp4"])
    def test_a_place_for_no_file_is_found_before_anything_runs(self, house, tmp_path, place, monkeypatch):
        edit = house.approved(f"place-{place[:6]}")
        (tmp_path / "folder").mkdir()
        (tmp_path / "locked").mkdir()
        real = os.access
        monkeypatch.setattr(os, "access", lambda p, m: "locked" not in str(p) and real(p, m))
        calls = house.engines.calls.copy()
        with pytest.raises(StorageError) as caught:
            house.run(edit, tmp_path / place)
        assert (caught.value.code, caught.value.exit_code) == ("storage-unwritable", 2)
        assert house.engines.calls == calls
        assert house.steps(edit) == STORY[:11]

    def test_the_source_clip_is_never_overwritten(self, house):
        edit = house.approved("source-safe")
        clip = house.folder / "source-safe" / "clip.mp4"
        before = clip.read_bytes()
        with pytest.raises(RequestError) as caught:
            house.run(edit, clip)
        assert (caught.value.code, caught.value.exit_code) == ("out-is-source", 2)
        assert clip.read_bytes() == before

    def test_a_name_that_the_manifest_needs(self, house, tmp_path):
        edit = house.approved("named-c2pa")
        with pytest.raises(RequestError) as caught:
            house.run(edit, tmp_path / "clean.c2pa")
        assert caught.value.code == "out-is-manifest"

    def test_a_disk_that_fails_in_the_middle_of_delivery(self, house, tmp_path, monkeypatch):
        edit, out = house.approved("full-delivery"), tmp_path / "out.mp4"
        copy = shutil.copyfile

        def full(source, target):
            if Path(target).parent == tmp_path:
                raise OSError(errno.ENOSPC, "No space left on device")
            return copy(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(shutil, "copyfile", full)
            with pytest.raises(StorageError) as caught:
                house.run(edit, out)
        assert caught.value.code == "storage-full"
        assert list(tmp_path.iterdir()) == []
        steps = house.steps(edit)
        house.run(edit, out)
        assert house.steps(edit) == steps == STORY


class TestFullDisk:
    @pytest.mark.parametrize("room", [9, pytest.param(30, marks=pytest.mark.slow)])
    def test_a_disk_that_fills_up_and_is_freed(self, house, tmp_path, monkeypatch, room):
        """Whatever write it hits: a clear error, no output, and the same command then succeeds."""
        edit = house.approved(f"full-{room}")
        out = tmp_path / "out.mp4"
        with monkeypatch.context() as patch:
            FullDisk(patch, room)
            with pytest.raises(StorageError) as caught:
                house.run(edit, out)
        assert caught.value.code == "storage-full"
        assert caught.value.hint
        assert not out.exists()
        finished = house.run(edit, out)
        assert house.steps(edit) == STORY
        assert house.sealed(finished.delivered.path).verify(receipt=True).exit_code == 0
        assert house.place.fsck().ok

    def test_files_that_may_not_grow(self, house, tmp_path):
        """The same from the operating system: a limit on the size of files, in a process of its own."""
        edit = house.approved("limited")
        pid = os.fork()
        if pid == 0:  # pragma: no cover - in the child
            code = 99
            try:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
                house.run(edit, tmp_path / "out.mp4")
            except StorageError:
                code = 42
            except BaseException:  # noqa: BLE001
                code = 98
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 42
        assert not (tmp_path / "out.mp4").exists()
        house.run(edit, tmp_path / "out.mp4")
        assert house.steps(edit) == STORY


def test_an_output_that_cannot_be_sealed_is_not_delivered(house, tmp_path):
    class Broken:
        def seal(self, request):
            raise SealError("sign-failed", "No.", "Check the key.")

    edit, whole = house.approved("unsealable"), house.workshop
    house.workshop = replace(whole, sealer=Broken)
    with pytest.raises(SealError) as caught:
        house.run(edit, tmp_path / "out.mp4")
    assert caught.value.exit_code == 1
    assert not list(tmp_path.iterdir())
    assert house.steps(edit) == STORY[:-1]
    house.workshop = whole
    house.run(edit, tmp_path / "out.mp4")
    assert house.steps(edit) == STORY


def test_an_engine_that_writes_too_few_pictures(house, tmp_path):
    class Lazy(CountingEngines):
        def synthesizer(self, settings, job):
            engine = super().synthesizer(settings, job)
            work = engine.synthesize

            def lazy(clip, mask, plan, sink, progress):
                kept = []
                report = work(clip, mask, plan, kept.append, progress)
                for picture in kept[:-1]:
                    sink(picture)
                return report

            engine.synthesize = lazy
            return engine

    edit, whole = house.approved("lazy"), house.workshop
    house.workshop = replace(whole, engines=Lazy())
    with pytest.raises(OrderError) as caught:
        house.run(edit, tmp_path / "out.mp4")
    assert caught.value.code == "take-incomplete"
    assert house.steps(edit) == STORY[:11]
    house.workshop = whole
    house.run(edit, tmp_path / "out.mp4")


def test_pixels_outside_the_mask_are_the_sources_own_whatever_the_engine_paints(house, tmp_path):
    class Graffiti(CountingEngines):
        def refiner(self, settings, job):
            engine = super().refiner(settings, job)

            def refine(clip, take, mask, plan, sink, progress):
                return type(engine).refine(engine, clip, take, mask, plan, lambda p: sink(255 - p), progress)

            engine.refine = refine
            return engine

    edit, whole = house.approved("graffiti"), house.workshop
    house.workshop = replace(whole, engines=Graffiti())
    finished = house.run(edit, tmp_path / "out.mp4")
    house.workshop = whole
    assert finished.state.composite.keep_samples_changed == 0
    assert house.sealed(finished.delivered.path).verify(source=True).exit_code == 0


def test_replanning_between_approval_and_run(house):
    edit = house.approved("replanned")
    replan(house.workshop, edit, COARSER)
    with pytest.raises(DeniedError) as caught:
        house.run(edit)
    assert caught.value.code == "approvals-missing"
    assert "pass:1" not in house.steps(edit)


def test_key_events_may_come_in_between(house, tmp_path):
    edit = house.approved("events")
    key, place = house.place.people.add("newcomer", None), house.place
    enrol(
        place.writing,
        place.blobs,
        place.person("admin"),
        "newcomer",
        key.public_der,
        [Role.EDITOR],
        house.clock(),
    )
    finished = house.run(edit, tmp_path / "out.mp4")
    assert house.sealed(finished.delivered.path).verify(receipt=True).exit_code == 0


def test_progress_is_told_and_an_interrupt_ends_it(house, tmp_path):
    told = []
    edit, quiet = house.approved("told"), house.workshop

    def interrupt(what, done, total):
        told.append(what)
        if what == "compositing and encoding":
            raise KeyboardInterrupt

    house.workshop = replace(quiet, progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        house.run(edit, tmp_path / "out.mp4")
    house.workshop = quiet
    assert "compositing and encoding" in told
    assert house.steps(edit) == STORY[:13]
    assert not list(tmp_path.iterdir())
    house.run(edit, tmp_path / "out.mp4")
    assert house.steps(edit) == STORY
