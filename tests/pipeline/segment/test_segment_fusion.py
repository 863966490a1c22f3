"""Evidence is weighed by how well it works, and what the clicks overruled stays overruled."""

from dataclasses import replace

import numpy as np
import pytest

from void_audit.pipeline.segment.fusion import CERTAIN, Evidence, Reliability, doubted, fused, overruled, seen

SHAPE = (60, 80)


def evidence(saliency=0.5, colour=0.0, changed=0.5, known=True, carried=None, trust=1.0) -> Evidence:
    def full(value):
        return np.broadcast_to(np.asarray(value, np.float32), SHAPE).astype(np.float32)

    mask = np.zeros(SHAPE, bool) if carried is None else carried
    return Evidence(
        mask, full(trust), full(saliency), full(colour), full(changed), np.full(SHAPE, known), motion=0.0
    )  # fmt: skip


@pytest.fixture
def mask():
    mask = np.zeros(SHAPE, bool)
    mask[20:40, 30:50] = True
    return mask


def test_evidence_that_separates_gains_weight_and_evidence_that_does_not_loses_it(mask):
    reliability = Reliability()
    good = evidence(saliency=mask.astype(float), colour=0.0, changed=mask.astype(float), carried=mask)
    for _ in range(20):
        reliability.learn(good, mask)
    assert reliability.saliency > 0.95
    assert reliability.plate > 0.95
    assert reliability.colour < 0.05


def test_an_unknown_plate_neither_counts_nor_learns(mask):
    reliability = Reliability(plate=0.9)
    unknown = evidence(changed=1.0, known=False, carried=mask)
    reliability.learn(unknown, mask)
    assert reliability.plate == 0.9
    assert np.array_equal(seen(unknown, reliability), seen(evidence(changed=0.0, known=False), reliability))


def test_something_else_that_stands_out_is_overruled_by_the_clicked_mask(mask):
    stranger = np.zeros(SHAPE)
    stranger[:, 60:] = 1
    said = seen(evidence(saliency=np.maximum(mask, stranger)), Reliability())
    assert said[30, 70] > 0
    corrected = said + overruled(said, mask)
    assert (corrected[~mask] <= 0).all()
    assert (corrected[mask] > 0).all()


def test_what_already_agrees_is_left_alone(mask):
    said = seen(evidence(saliency=mask.astype(float)), Reliability())
    assert not overruled(said, mask).any()


def test_a_trusted_flow_holds_the_mask_where_the_picture_says_nothing(mask):
    picture = np.full((*SHAPE, 3), 90, np.uint8)
    found = fused(picture, evidence(carried=mask), np.zeros(SHAPE, np.float32))
    assert found[30, 40] > 0 > found[5, 5]
    assert np.abs(found).max() <= CERTAIN + 1e-3


def test_the_picture_wins_where_the_flow_cannot_be_trusted(mask):
    picture = np.full((*SHAPE, 3), 90, np.uint8)
    gone = evidence(saliency=0.0, carried=mask, trust=0.0)
    assert (fused(picture, gone, seen(gone, Reliability())) < 0).all()


def test_motion_counts_by_how_well_it_separates(mask):
    along = replace(evidence(), moved=np.where(mask, 1, -1).astype(np.float32))
    reliability = Reliability(saliency=0, colour=0)
    assert not seen(along, reliability).any()
    for _ in range(20):
        reliability.learn(along, mask)
    assert reliability.moved > 0.95
    assert (seen(along, reliability)[mask] > 2).all()
    reliability.learn(evidence(), mask)  # the object stands still: nothing is learnt of it
    assert reliability.moved > 0.95


def test_flow_of_pixels_that_stay_behind_is_doubted(mask):
    along = replace(evidence(), moved=np.where(mask, 1, -1).astype(np.float32))
    trust = doubted(along, Reliability(moved=0.8)).trust
    assert np.allclose(trust[mask], 1)
    assert np.allclose(trust[~mask], 0.2, atol=1e-6)
    assert np.allclose(doubted(along, Reliability(moved=0)).trust, 1)
    still = evidence()
    assert doubted(still, Reliability(moved=1)) is still
