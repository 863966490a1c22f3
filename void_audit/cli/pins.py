"""What a verifier trusts, from options and from the workspace."""

from __future__ import annotations

from pathlib import Path

from void_audit.audit.evidence import Pins
from void_audit.errors import RequestError
from void_audit.settings import Environment
from void_audit.weights.house import FILE as MODELS_FILE
from void_audit.weights.house import house_list
from void_audit.weights.registry import with_house


def pins_of(
    workspace: Path | None,
    trust: Path | None,
    log_key: str | None,
    models: Path | None,
    witness_policy: Path | None,
    tsa: Path | None,
) -> Pins:
    """Options first; what they leave open comes from the workspace's ``trust`` folder, if there is one.

    Raises:
        RequestError: ``pin-unreadable``.
        WeightsError: the list of models is none.
    """
    folder = (workspace or Environment().workspace()) / "trust"
    own_log = _text_if_there(folder / "log.vkey")
    log_vkey = _vkey(log_key) if log_key else own_log
    own_policy = (
        _text_if_there(folder / "log.policy") if log_vkey == own_log else None
    )  # another log, other witnesses
    return Pins(
        trust_pem=_text(trust) if trust else _text_if_there(folder / "root.pem"),
        log_vkey=log_vkey,
        witness_policy=_text(witness_policy) if witness_policy else own_policy,
        tsa_pem=_text(tsa) if tsa else _text_if_there(folder / "tsa.pem"),
        approved_weights=with_house(_text(models) if models else house_list(folder / MODELS_FILE)).approved,
    )


def _vkey(given: str) -> str:
    return given if "+" in given and not Path(given).is_file() else _text(Path(given)).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        raise RequestError(
            "pin-unreadable",
            f"{path} cannot be read as text.",
            "Name the file that the house handed out: root.pem, log.vkey, log.policy, tsa.pem, models.toml.",
        ) from None


def _text_if_there(path: Path) -> str | None:
    return _text(path).strip() if path.is_file() else None


def house_pins(workspace: Path | None) -> Pins:
    """What the workspace hands out to verifiers. Raises as ``pins_of``."""
    return pins_of(workspace, None, None, None, None, None)
