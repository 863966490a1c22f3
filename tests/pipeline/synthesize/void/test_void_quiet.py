"""What a user's terminal sees when the engine is loaded, in a process of its own."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from void_audit.pipeline.synthesize.void.quiet import NOISE, Without

LOUD = "from diffusers import CogVideoXTransformer3DModel"
ENGINE = "import void_audit.pipeline.synthesize.void.execution"


def stderr(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr


@pytest.mark.slow
def test_the_engine_loads_without_a_word_and_diffusers_alone_does_not():
    assert stderr(ENGINE) == ""
    assert all(text in stderr(LOUD) for text in NOISE.values()), "what is dropped is still being said"


def test_everything_else_that_these_loggers_say_is_let_through(caplog):
    """The filters hang in the loggers already, from the import of the package."""
    for name, text in NOISE.items():
        logging.getLogger(name).warning("%s", f"before{text}after")
        logging.getLogger(name).warning("something that matters")
    assert [record.getMessage() for record in caplog.records] == ["something that matters"] * len(NOISE)


def test_what_is_let_through_is_decided_by_the_finished_message():
    record = logging.LogRecord("name", logging.WARNING, "path", 1, "Failed to %s x", ("load",), None)
    assert not Without("Failed to load ").filter(record)
    assert Without("Failed to unload ").filter(record)
