from __future__ import annotations

from pathlib import Path

import pytest

from void_audit.errors import WorkspaceError
from void_audit.settings import Environment, WorkspaceSettings, read_settings, write_settings

SETTINGS = WorkspaceSettings(organisation='The "Daily" Planet\n', origin="planet/0", packs=("base", "news"))


def test_settings_round_trip_whatever_the_text(tmp_path):
    write_settings(tmp_path, SETTINGS)
    assert read_settings(tmp_path) == SETTINGS


def test_no_workspace(tmp_path):
    with pytest.raises(WorkspaceError) as caught:
        read_settings(tmp_path)
    assert caught.value.code == "workspace-missing"


NEVER = 'organisation = "x"\norigin = "o"\npacks = ["base"]\ntimestamp_hours = 100000000000'
"""More hours than a calendar has."""


@pytest.mark.parametrize(
    "text", ["not toml [", 'organisation = "x"', 'unknown = 1\norigin="o"', "packs = 3", NEVER]
)
def test_broken_settings_are_refused(tmp_path, text):
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(WorkspaceError) as caught:
        read_settings(tmp_path)
    assert caught.value.code == "settings-invalid"


def test_the_nearest_workspace_upwards_is_found(tmp_path):
    (tmp_path / ".void-audit").mkdir()
    write_settings(tmp_path / ".void-audit", SETTINGS)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert Environment({}, deep).workspace() == tmp_path / ".void-audit"


def test_the_environment_wins(tmp_path):
    environment = Environment(
        {"VOID_AUDIT_WORKSPACE": "/elsewhere", "VOID_AUDIT_MODELS": "/models"}, tmp_path
    )
    assert environment.workspace() == Path("/elsewhere")
    assert environment.models() == Path("/models")


def test_a_persons_passphrase_wins_over_the_common_one():
    environment = Environment({"VOID_AUDIT_PASSPHRASE": "all", "VOID_AUDIT_PASSPHRASE_LOIS_LANE": "own"})
    assert environment.passphrase("lois-lane") == "own"
    assert environment.passphrase("perry") == "all"
    assert Environment({}).passphrase("perry") is None


def test_defaults_are_only_what_is_set():
    assert SETTINGS.defaults() == {}
    assert SETTINGS.model_copy(update={"purpose": "trailer"}).defaults() == {"purpose": "trailer"}
