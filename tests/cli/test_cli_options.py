"""Options, the workspace's defaults, and which of them wins."""

from __future__ import annotations

import json

from void_audit.cli.options import choices
from void_audit.model.plan import EncoderSettings


def test_choices():
    chosen = choices("384p", "ffv1", 7, 3)
    assert (chosen.profile, chosen.seed, chosen.encoder) == ("384p", 3, EncoderSettings(codec="ffv1", crf=7))


def test_a_void_sequence_folder_with_options_and_with_defaults(own):
    """``input_video.mp4``, ``quadmask_0.mp4`` and ``prompt.json``, as VOID's own examples are."""
    folder = own.folder / own.request("sequence")
    (folder / "clip.mp4").rename(folder / "input_video.mp4")
    (folder / "edit.yaml").unlink()
    own.refused("policy check sequence", 2, "request-missing")
    (folder / "quadmask_0.mp4").write_bytes(b"looked into later")
    own.refused("policy check sequence", 2, "request-schema")
    own("policy check sequence --requester lois --purpose trailer --asset-class entertainment")
    settings = own.folder / ".void-audit" / "settings.toml"
    defaults = {"requester": "lois", "purpose": "trailer", "asset_class": "evidence"}
    settings.write_text(
        settings.read_text() + "".join(f"{k} = {json.dumps(v)}\n" for k, v in defaults.items())
    )
    own("policy check sequence", 4)
    own("policy check sequence --asset-class archive")


def test_the_folder_wins_over_defaults(own):
    settings = own.folder / ".void-audit" / "settings.toml"
    settings.write_text(settings.read_text() + 'asset_class = "evidence"\n')
    own("policy check request")


def test_settings_that_do_not_parse(own):
    settings = own.folder / ".void-audit" / "settings.toml"
    for text in ("", "nonsense", "organisation = 5", settings.read_text() + "unknown = 1\n"):
        settings.write_text(text)
        for line in ("policy check request", "plan request", "history", "ledger fsck"):
            own.refused(line, 2, "settings-invalid")
