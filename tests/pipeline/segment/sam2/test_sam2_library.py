"""Importing the package is not noticed by an application that uses Hydra itself."""

import subprocess
import sys

import pytest
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra

from void_audit.pipeline.segment.sam2.library import CONFIGS, SAM2VideoPredictor, hydra_untouched


def test_hydra_is_as_it_was_before():
    assert not GlobalHydra.instance().is_initialized()
    with hydra_untouched():
        initialize_config_module("sam2", version_base="1.2")
        assert GlobalHydra.instance().is_initialized()
    assert not GlobalHydra.instance().is_initialized()


def fail_with_hydra_initialised():
    with hydra_untouched():
        initialize_config_module("sam2", version_base="1.2")
        raise ZeroDivisionError


def test_also_after_an_error():
    with pytest.raises(ZeroDivisionError):
        fail_with_hydra_initialised()
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.parametrize("own", [True, False])
def test_an_applications_own_configuration_goes_on(own, tmp_path):
    (tmp_path / "app.yaml").write_text("answer: 42\n")
    start = f"hydra.initialize_config_dir({str(tmp_path)!r}, version_base=None)\n"
    load = "import void_audit.pipeline.segment.sam2.library\n"
    program = "import hydra\n" + (start + load if own else load + start)
    program += "assert hydra.compose('app').answer == 42\n"
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)


def test_what_is_used_of_it():
    assert SAM2VideoPredictor.__module__ == "sam2.sam2_video_predictor"
    assert {path.name for path in CONFIGS.glob("*.yaml")} == {
        f"sam2.1_hiera_{s}.yaml" for s in ("t", "s", "b+", "l")
    }
