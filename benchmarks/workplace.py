"""A workspace, clips and masks for benchmarks: made in a temporary folder, thrown away."""

from __future__ import annotations

import json
import os
import platform
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from void_audit.canon import dsse
from void_audit.canon.statement import encode
from void_audit.cli.workspace import Workspace, create_workspace
from void_audit.identity.keys import FileSigner
from void_audit.media.maskfile import MaskWriter
from void_audit.model.geometry import Size
from void_audit.model.records import Approval, Role
from void_audit.settings import Environment, WorkspaceSettings
from void_audit.workflow.approving import approve
from void_audit.workflow.drafting import Choices
from void_audit.workflow.enrolment import enrol
from void_audit.workflow.planning import plan_request
from void_audit.workflow.recorder import statement_of
from void_audit.workflow.request_folder import read_request
from void_audit.workflow.running import Finished, run_edit

ROOT = Path(__file__).resolve().parents[1]


def log_signer() -> FileSigner:
    """The key of a log that nobody will ever ask for."""
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))


def envelopes(number: int) -> list[bytes]:
    """Signed approvals, each another one."""
    signer, made = log_signer(), []
    for i in range(number):
        record = Approval(claimed_time="2026-01-01T00:00:00+00:00", edit=f"bench{i}", plan="0" * 64)
        made.append(dsse.seal(encode(statement_of(record, {"plan": f"{i:064x}"})), [signer]))
    return made


def machine() -> str:
    """Where the figures were taken."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def workspace(folder: Path) -> Workspace:
    """A workspace with an editor and an approver, unencrypted."""
    place = Workspace(folder / "ws", Environment().models(), lambda holder: None)
    create_workspace(
        place, WorkspaceSettings(organisation="Bench", origin="bench/0", packs=("base",)), "admin"
    )
    place = Workspace(place.folder, place.models, place.ask)
    for name, role in (("lois", Role.EDITOR), ("perry", Role.APPROVER)):
        key = place.people.add(name, None)
        enrol(place.writing, place.blobs, place.person("admin"), name, key.public_der, [role], place.clock())
    return place


def edit(place: Workspace, request: Path, out: Path) -> Finished:
    """Plan, approve and run."""
    studio = place.studio()
    planned = plan_request(studio, read_request(request), place.person("lois"), Choices())
    approve(studio, planned.edit, place.person("perry"))
    return run_edit(studio, planned.edit, out)


def write_request(folder: Path, size: Size, frames: int) -> Path:
    """A disc that crosses a textured ground, with its quadmask: no segmentation needed."""
    folder.mkdir(parents=True)
    ground = _texture(size)
    write_video(folder / "clip.mp4", size, (_picture(ground, size, i) for i in range(frames)))
    with MaskWriter(folder / "quadmask.mkv", size, "24/1") as writer:
        for i in range(frames):
            classes = np.full((size.height, size.width), 3, np.uint8)
            cv2.circle(classes, _centre(size, i), size.height // 7, 0, -1)
            writer.write(classes)
    (folder / "prompt.json").write_text('{"bg": "An empty textured ground."}')
    fields = {"requester": "lois", "purpose": "benchmark", "asset_class": "entertainment"}
    (folder / "edit.yaml").write_text(json.dumps(fields))
    return folder


def write_video(path: Path, size: Size, pictures: object, rate: int = 24) -> None:
    """H.264, 4:2:0."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}
        for picture in pictures:  # type: ignore[attr-defined]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


def _texture(size: Size) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 255, (size.height, size.width, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def _picture(ground: np.ndarray, size: Size, number: int) -> np.ndarray:
    picture = ground.copy()
    cv2.circle(picture, _centre(size, number), size.height // 8, (200, 40, 30), -1)
    return picture


def _centre(size: Size, number: int) -> tuple[int, int]:
    """There and back, so that all of the ground is seen within any 96 frames."""
    way = abs((number * 6) % (2 * size.width) - size.width)
    return way, size.height // 2
