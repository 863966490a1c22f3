"""What waits comes back as it was, once, and not from memory."""

import tracemalloc

import numpy as np

from void_audit.pipeline.segment.follow import Estimate
from void_audit.pipeline.segment.waiting import Waiting
from void_audit.pipeline.segment.window import Window


def estimate(seed: int, width: int = 40, height: int = 30) -> Estimate:
    evidence = np.random.default_rng(seed).integers(-127, 128, (height, width), np.int8)
    return Estimate(0.01 * seed, Window(seed, 2, seed + width, 2 + height), evidence.tobytes())


def test_estimates_come_back_in_any_order_once():
    with Waiting() as waiting:
        for frame in range(8):
            waiting.put(frame, estimate(frame))
        assert waiting.take(9) is None
        for frame in (7, 0, 3):
            assert waiting.take(frame) == estimate(frame)
            assert waiting.take(frame) is None
        waiting.put(20, estimate(20))
        waiting.put(21, Estimate(0.4))
        assert [waiting.take(frame) for frame in (5, 20)] == [estimate(5), estimate(20)]
        assert waiting.take(21) == Estimate(0.4)


def test_memory_does_not_grow_with_what_waits():
    with Waiting() as waiting:
        tracemalloc.start()
        for frame in range(40):
            waiting.put(frame, estimate(frame, 400, 300))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 2_800_000 < 40 * 400 * 300
        assert waiting.take(0) == estimate(0, 400, 300)
