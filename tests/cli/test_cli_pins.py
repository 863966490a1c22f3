"""What is trusted: options first, then the workspace's trust folder, and of another house's log nothing of ours."""

import pytest

from void_audit.cli.pins import house_pins, pins_of
from void_audit.errors import RequestError


@pytest.fixture
def trust(tmp_path):
    folder = tmp_path / "ws" / "trust"
    folder.mkdir(parents=True)
    for name in ("root.pem", "log.vkey", "log.policy", "tsa.pem"):
        (folder / name).write_text(f"own {name}\n")
    return folder


def test_a_house_trusts_what_it_hands_out(trust):
    pins = house_pins(trust.parent)
    told = (pins.trust_pem, pins.log_vkey, pins.witness_policy, pins.tsa_pem)
    assert [text.strip() for text in told] == [
        "own root.pem",
        "own log.vkey",
        "own log.policy",
        "own tsa.pem",
    ]
    assert not pins.approved_weights("00" * 32)


def test_options_come_first(trust, tmp_path):
    given = tmp_path / "given"
    given.write_text("given")
    pins = pins_of(trust.parent, given, str(given), None, given, given)
    assert {pins.trust_pem, pins.log_vkey, pins.witness_policy, pins.tsa_pem} == {"given"}


def test_a_key_may_be_given_as_it_is(trust):
    assert pins_of(trust.parent, None, "o+12345678+AA==", None, None, None).log_vkey == "o+12345678+AA=="


def test_our_witnesses_say_nothing_of_another_log(trust):
    pins = pins_of(trust.parent, None, "other+12345678+AA==", None, None, None)
    assert pins.witness_policy is None


def test_without_a_workspace_nothing_is_trusted(tmp_path):
    pins = house_pins(tmp_path / "nowhere")
    assert (pins.trust_pem, pins.log_vkey, pins.witness_policy, pins.tsa_pem) == (None,) * 4


@pytest.mark.parametrize("at", range(4))
def test_a_pin_that_cannot_be_read_is_named(trust, tmp_path, at):
    missing = tmp_path / "nowhere.pem"
    given = [missing if n == at else None for n in range(4)]
    root, key, policy, tsa = given
    with pytest.raises(RequestError, match=r"nowhere\.pem cannot be read"):
        pins_of(trust.parent, root, str(key) if key else None, None, policy, tsa)
