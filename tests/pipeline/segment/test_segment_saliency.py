"""The network answers for the picture it was given, at any resolution, with values from 0 to 1."""

import cv2
import numpy as np
import pytest

from void_audit.errors import WeightsError
from void_audit.pipeline.segment.saliency import SaliencyNetwork
from void_audit.weights.store import ModelStore


@pytest.fixture(scope="module")
def network():
    try:
        return SaliencyNetwork(ModelStore().path("u2netp").read_bytes())
    except WeightsError as error:
        pytest.skip(str(error))


def ball(width=300, height=200):
    picture = np.full((height, width, 3), (120, 130, 120), np.uint8)
    cv2.circle(picture, (width // 2, height // 2), 50, (210, 40, 50), -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.5)


@pytest.mark.parametrize("junk", [b"", b"not a network", b"\x08\x07" * 50])
def test_bytes_that_are_no_network_are_a_clear_error(junk):
    with pytest.raises(WeightsError) as caught:
        SaliencyNetwork(junk)
    assert caught.value.code == "weights-unreadable"


@pytest.mark.slow
@pytest.mark.parametrize("side", [192, 320])
def test_what_stands_out_is_found_at_every_resolution(network, side):
    heat = network(ball(), side)
    assert heat.shape == (200, 300)
    assert heat.dtype == np.float32
    assert 0 <= heat.min() <= heat.max() <= 1
    assert heat[80:120, 130:170].mean() > 0.8
    assert heat[:30, :30].mean() < 0.2


@pytest.mark.slow
def test_changing_resolution_leaves_no_trace(network):
    before = network(ball(), 192)
    network(ball(), 320)
    assert np.array_equal(network(ball(), 192), before)
