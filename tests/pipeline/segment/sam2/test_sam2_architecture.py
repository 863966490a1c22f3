"""Only numbers are read from a model folder, within bounds, and they land where the network takes them from."""

import json
from copy import deepcopy

import pytest
from tiny_sam2 import ARCHITECTURE, approved_as_it_is

from void_audit.errors import WeightsError
from void_audit.pipeline.segment.sam2.architecture import INFERENCE, PUBLISHED, describe, digest


@pytest.fixture
def described(tmp_path):
    """``described(text)``: what is made of it as ``architecture.json``."""

    def read(text: str | bytes, size: str = "tiny"):
        (tmp_path / "m").mkdir(exist_ok=True)
        (tmp_path / "m" / "architecture.json").write_bytes(text.encode() if isinstance(text, str) else text)
        return describe(approved_as_it_is(tmp_path / "m"), size)

    return read


def targets(value) -> set[str]:
    if isinstance(value, dict):
        return {v for k, v in value.items() if k == "_target_"}.union(*map(targets, value.values()))
    return set()


@pytest.fixture
def without(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "README.md").write_text("no architecture here")
    return approved_as_it_is(tmp_path / "m")


@pytest.mark.parametrize(
    ("size", "stages", "width"),
    [
        ("tiny", [1, 2, 7, 2], 96),
        ("small", [1, 2, 11, 2], 96),
        ("base-plus", None, 112),
        ("large", [2, 6, 36, 4], 144),
    ],
)
def test_the_published_networks(without, size, stages, width):
    """Numbers of Hiera from arXiv 2408.00714, appendix."""
    config = describe(without, size)
    trunk = config["image_encoder"]["trunk"]
    assert trunk.get("stages") == stages
    assert trunk["embed_dim"] == width
    assert config["image_size"] == 1024
    assert INFERENCE.items() <= config.items()
    assert config["_target_"].startswith("void_audit.")


def test_every_number_is_in_the_digest(described):
    def numbers(config, path=()):
        for name, value in config.items():
            if isinstance(value, dict):
                yield from numbers(value, (*path, name))
            else:
                yield *path, name

    network = described(json.dumps(ARCHITECTURE))
    usual = digest(network)
    assert digest(described(json.dumps(ARCHITECTURE))) == usual
    for *path, name in numbers(network):
        config = part = deepcopy(network)
        for step in path:
            part = part[step]
        part[name] = "other"
        assert digest(config) != usual, (path, name)


def test_what_is_done_to_one_description_is_not_done_to_the_next(without):
    describe(without, "tiny")["sam_mask_decoder_extra_args"].clear()
    assert (
        describe(without, "tiny")["sam_mask_decoder_extra_args"] == INFERENCE["sam_mask_decoder_extra_args"]
    )


def test_what_is_called_is_never_the_folders_say(described, without):
    assert targets(described(json.dumps(ARCHITECTURE))) == targets(describe(without, "tiny"))


def test_numbers_land_where_they_are_taken_from(described):
    config = described(json.dumps(ARCHITECTURE | {"hidden_dim": 48, "memory_dim": 16, "image_size": 96}))
    encoder, attention, bank = config["image_encoder"], config["memory_attention"], config["memory_encoder"]
    assert encoder["trunk"]["stages"] == (1, 1, 2, 1)
    assert encoder["neck"]["backbone_channel_list"] == [64, 32, 16, 8]
    assert (
        encoder["neck"]["d_model"]
        == attention["d_model"]
        == attention["layer"]["d_model"]
        == bank["in_dim"]
        == 48
    )
    assert attention["layer"]["cross_attention"]["kv_in_dim"] == bank["out_dim"] == 16
    assert attention["layer"]["self_attention"]["feat_sizes"] == [6, 6]
    assert config["image_size"] == 96


def test_described_again_it_is_the_same(described, without):
    described(json.dumps(ARCHITECTURE))
    assert describe(without, "tiny") == describe(without, "tiny")
    assert set(PUBLISHED) == {"tiny", "small", "base-plus", "large"}


@pytest.mark.parametrize(
    "changes",
    [
        {"_target_": "os.system"}, {"image_size": 100}, {"image_size": 80}, {"image_size": 1_000_000},
        {"image_size": 0}, {"image_size": "64"}, {"image_size": 64.5}, {"image_size": None},
        {"image_size": 96, "window_spec": [16, 4, 2, 1]}, {"stages": [1, 1, 1]},
        {"embed_dim": -8}, {"embed_dim": 10**9}, {"embed_dim": 9, "num_heads": 2}, {"num_heads": 0},
        {"stages": [1, 1, 1, 65]}, {"stages": [1, 1, 1, 0]}, {"stages": {"_target_": "os.system"}},
        {"global_att_blocks": [1] * 65}, {"hidden_dim": 33}, {"hidden_dim": 32, "memory_dim": 64}, {"memory_dim": 0},
        {"window_spec": [0, 1, 1, 1]}, {"window_pos_embed_bkg_spatial_size": [7]}, {"anything": 1},
    ],
)  # fmt: skip
def test_numbers_out_of_bounds(described, changes):
    with pytest.raises(WeightsError) as caught:
        described(json.dumps(ARCHITECTURE | changes))
    assert caught.value.code == "weights-config"
    assert "architecture.json" in caught.value.message
    assert len(caught.value.message) < 600


@pytest.mark.parametrize("name", list(ARCHITECTURE))
def test_a_number_is_missing(described, name):
    with pytest.raises(WeightsError) as caught:
        described(json.dumps({key: value for key, value in ARCHITECTURE.items() if key != name}))
    assert caught.value.code == "weights-config"
    assert name in caught.value.message


@pytest.mark.parametrize("text", ["{", "[]", "null", "64", b"\xff\xfe", "{" * 5000, '{"image_size": 1e999}'])
def test_no_description_at_all(described, text):
    with pytest.raises(WeightsError) as caught:
        described(text)
    assert caught.value.code == "weights-config"
