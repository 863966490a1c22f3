"""The recipe by which SAM 2 is installed: what it needs is in the extra, and PyTorch is not replaced."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from void_audit.pipeline.segment.sam2 import packages
from void_audit.pipeline.segment.sam2.packages import PACKAGES, RECIPE, missing_packages, package_version

ROOT = Path(__file__).resolve().parents[4]


def extras() -> dict[str, list[Requirement]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        name: [Requirement(line) for line in lines]
        for name, lines in project["optional-dependencies"].items()
    }


def pins() -> dict[str, str]:
    lines = (line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    return {name.lower(): number for name, number in lines}


class TestMissing:
    def test_nothing_is(self):
        assert missing_packages() == []

    @pytest.mark.parametrize(("module", "name"), PACKAGES.items())
    def test_each_by_the_name_to_install(self, module, name, monkeypatch):
        monkeypatch.setattr(
            packages, "find_spec", lambda wanted: None if wanted == module else find_spec(wanted)
        )
        assert missing_packages() == [name]

    def test_asking_loads_none_of_them(self):
        program = (
            "import sys; from void_audit.pipeline.segment.sam2.packages import missing_packages, package_version;"
            f"missing_packages(); package_version(); assert not {set(PACKAGES)} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", program], check=True)

    def test_the_version_is_that_of_the_package_under_either_name(self, monkeypatch):
        assert package_version() == version("sam2")
        there = {"SAM-2": "1.0"}

        def look(name: str) -> str:
            if name not in there:
                raise PackageNotFoundError(name)
            return there[name]

        monkeypatch.setattr(packages, "version", look)
        assert package_version() == "1.0"
        there.clear()
        assert package_version() == "unknown"


class TestInstalled:
    """What ``make test`` installed is what the recipe promises."""

    def test_pytorch_is_the_pinned_one_still(self):
        assert version("torch").partition("+")[0] == pins()["torch"]

    def test_torchvision_is_not_there(self):
        assert find_spec("torchvision") is None

    def test_all_else_that_the_package_asks_for_is(self):
        asked = [Requirement(line) for line in requires("sam2") or () if "extra ==" not in line]
        assert {requirement.name for requirement in asked} >= {"torch", "torchvision", "hydra-core"}
        for requirement in asked:
            if requirement.name != "torchvision":
                assert requirement.specifier.contains(version(requirement.name).partition("+")[0]), (
                    requirement
                )
        theirs = [Requirement(line) for line in requires("hydra-core") or ()]
        for requirement in theirs:
            if requirement.marker is None or requirement.marker.evaluate():
                assert requirement.specifier.contains(version(requirement.name)), requirement


class TestRecipe:
    def test_the_extra_has_what_is_needed_but_for_the_package_itself(self):
        named = {requirement.name for requirement in extras()["sam2"]}
        assert set(PACKAGES.values()) - {"sam2"} <= named
        assert not named & {"sam2", "torchvision"}

    def test_the_documentation_says_the_same(self):
        text = " ".join((ROOT / "docs" / "sam2.md").read_text().split())
        commands = RECIPE.partition(": ")[2].partition(". Without")[0].split(" && ")
        assert len(commands) == 2
        assert " ".join(commands) in text

    def test_every_range_holds_the_pinned_version(self):
        for requirement in extras()["sam2"]:
            assert requirement.specifier.contains(pins()[requirement.name.lower()]), requirement

    def test_whoever_develops_has_it(self):
        assert any(r.name == "void-audit" and "sam2" in r.extras for r in extras()["dev"])

    def test_the_package_is_installed_by_itself_wherever_it_is(self):
        made = next(
            line
            for line in (ROOT / "Makefile").read_text().splitlines()
            if re.search(r"install.*\bsam2\b", line)
        )
        assert "sam2" in pins()
        for told in (made, RECIPE):
            assert "--no-deps" in told
            assert "--no-build-isolation" in told
            assert "SAM2_BUILD_CUDA=0" in told
        assert Requirement("sam2>=1.1,<1.2").specifier.contains(version("sam2"))
        assert "'sam2>=1.1,<1.2'" in RECIPE
