"""``models``: what is registered, what is here, and what is not what it says."""

from __future__ import annotations

from void_audit.weights.registry import shipped


def test_everything_registered_is_listed(terminal):
    said = terminal.json("models list")
    assert said["store"] == str(terminal.folder / "models")
    assert {row["model"]["name"] for row in said["models"]} == {m.name for m in shipped().model}
    assert {row["state"] for row in said["models"]} == {"missing"}
    assert all(row["model"]["licence"] and row["model"]["sha256"] for row in said["models"])
    assert shipped().model[0].name in terminal("models list").output


def test_missing_is_no_failure_and_another_file_is(terminal):
    assert set(terminal.json("models verify")["models"].values()) == {"missing"}
    model = shipped().model[0]
    (terminal.folder / "models").mkdir()
    (terminal.folder / "models" / model.file).write_bytes(b"not the model")
    assert terminal.json("models verify", 1)["models"][model.name] == "differs"
    assert "differs" in terminal("models list").output


def test_an_unknown_model(terminal):
    terminal.refused("models fetch nonsense", 2, "weights-unknown")
