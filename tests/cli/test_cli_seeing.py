"""Options that say how footage is looked at."""

from __future__ import annotations

import pytest

from void_audit.cli.seeing import SeeingOptions
from void_audit.errors import RequestError
from void_audit.model.seeing import ContactSettings, GeminiSettings, OpenAiSettings, Sam2Settings, Seeing

SERVER = {"reasoner_model": "qwen3-vl:8b", "reasoner_url": "http://localhost:8000/v1"}


def refusal(**options) -> RequestError:
    with pytest.raises(RequestError) as caught:
        SeeingOptions(**options).seeing()
    assert caught.value.hint
    return caught.value


def test_without_options_everything_is_embedded():
    assert SeeingOptions().seeing() == Seeing()


@pytest.mark.parametrize("size", ["tiny", "small", "base-plus", "large"])
def test_sam2(size):
    found = SeeingOptions(segmenter="sam2", sam2_size=size).seeing().segmenter
    assert found == Sam2Settings(size=size)
    assert found.folder == f"sam2.1-hiera-{size}"
    assert SeeingOptions(segmenter="sam2", sam2_model="ours").seeing().segmenter.folder == "ours"


def test_gemini():
    assert SeeingOptions(reasoner="gemini").seeing().reasoner == GeminiSettings()
    chosen = SeeingOptions(
        reasoner="gemini", reasoner_model="m", reasoner_url="https://proxy.example", reasoner_frames=4,
        reasoner_video=False, reasoner_seed=7,
    ).seeing()  # fmt: skip
    assert chosen.reasoner == GeminiSettings(
        model="m", base_url="https://proxy.example", frames=4, video=False, seed=7
    )


def test_a_server_of_ones_own():
    chosen = SeeingOptions(reasoner="openai-compatible", **SERVER, reasoner_video=True).seeing().reasoner
    assert chosen == OpenAiSettings(model="qwen3-vl:8b", base_url="http://localhost:8000/v1", video=True)


@pytest.mark.parametrize("lacks", [*SERVER, "both"])
def test_a_server_needs_model_and_address(lacks):
    given = {name: value for name, value in SERVER.items() if lacks not in {name, "both"}}
    error = refusal(reasoner="openai-compatible", **given)
    assert error.code == "option-missing"
    assert "--reasoner-url" in error.hint


@pytest.mark.parametrize("url", [
    "localhost:8000", "ftp://localhost", "file:///etc/passwd", "http://", "http://u:pw-123@localhost/v1",
    "http://localhost/v1?key=pw-123", "http://localhost/#pw-123", "http://a b", "http://\x1b[31m\n", "",
])  # fmt: skip
def test_an_address_that_may_not_go_on_record_is_not_repeated(url):
    for reasoner in ("openai-compatible", "gemini"):
        error = refusal(reasoner=reasoner, **{**SERVER, "reasoner_url": url})
        assert error.code == "option-value"
        assert "pw-123" not in str(error)


@pytest.mark.parametrize("given", [
    {"segmenter": "sam2", "sam2_model": "x" * 500}, {"reasoner": "gemini", "reasoner_model": ""},
    {"reasoner": "gemini", "reasoner_model": "x" * 500},
])  # fmt: skip
def test_names_that_are_none(given):
    assert refusal(**given).code == "option-value"


@pytest.mark.parametrize(("given", "option"), [
    ({"sam2_size": "tiny"}, "--sam2-size tiny"),
    ({"sam2_model": "ours"}, "--sam2-model ours"),
    ({"reasoner": "gemini", "sam2_size": "tiny"}, "--sam2-size tiny"),
    ({"reasoner_model": "m"}, "--reasoner-model m"),
    ({"reasoner_url": "http://x"}, "--reasoner-url http://x"),
    ({"reasoner_frames": 3}, "--reasoner-frames 3"),
    ({"reasoner_video": False}, "--reasoner-video False"),
    ({"segmenter": "sam2", "reasoner_seed": 3}, "--reasoner-seed 3"),
    ({"reasoner_timeout": 30.0}, "--reasoner-timeout 30.0"),
    ({"reasoner_tokens": 900}, "--reasoner-tokens 900"),
    ({"reasoner_structured": False}, "--reasoner-structured False"),
])  # fmt: skip
def test_no_option_is_taken_and_then_ignored(given, option):
    error = refusal(**given)
    assert error.code == "option-unused"
    assert option in error.message


def test_the_embedded_reasoner_needs_no_option():
    assert SeeingOptions(segmenter="sam2").seeing().reasoner == ContactSettings()


class TestCommands:
    @pytest.mark.parametrize("command", ["plan request", "reason request", "edit request --approve-as perry"])
    def test_refused_before_anything_happens(self, desk, command):
        before = desk.log_size()
        desk.refused(f"{command} --reasoner openai-compatible", 2, "option-missing")
        desk.refused(f"{command} --reasoner-seed 7", 2, "option-unused")
        desk.refused(f"{command} --reasoner gemini --reasoner-url http://u:pw@host", 2, "option-value")
        for wrong in ("--reasoner oracle", "--segmenter sam9", "--reasoner-frames 0", "--reasoner-seed -1"):
            assert "Usage" in desk(f"{command} {wrong}", 2).output
        assert desk.log_size() == before

    def test_an_edit_that_is_known_is_neither_looked_at_nor_asked_for_again(self, begun):
        for option in ("--segmenter sam2", "--reasoner gemini", "--requester perry", "--purpose other"):
            begun.refused(f"plan {begun.edit} {option}", 2, "option-unused")

    def test_looked_at_otherwise_it_is_another_edit(self, begun):
        assert begun.json("plan request")["edit"] == begun.edit
        other = begun.json("plan request --segmenter sam2 --sam2-size tiny")["edit"]
        assert other != begun.edit
        assert begun.json("plan request --segmenter sam2 --sam2-size tiny")["edit"] == other
        assert begun.json("plan request --segmenter sam2 --sam2-size small")["edit"] not in {
            other,
            begun.edit,
        }
