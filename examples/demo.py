"""One complete edit on the project's own clip, with every command shown: `make demo`.

python examples/demo.py            the crossing ball
python examples/demo.py topple     dynamics, which the embedded engine cannot do, and says so
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from void_audit.media.maskfile import MaskFile
from void_audit.media.reader import VideoClip
from void_audit.pipeline.synthesize.quality import compare_opened

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "demo-out"
DYNAMICS = """\
The truth is another course of events: without the ball nothing falls. The embedded engine has no counterfactual
dynamics and says so in plan, records and manifest. The tower stands in the result only because the frames before the
blow show it standing; what would have moved otherwise, it can never show. The figures say how far it is off."""
APPROVERS = ("perry", "jimmy")
console = Console(highlight=False)


@dataclass(frozen=True)
class Demo:
    """One example, edited in a workspace of its own under ``demo-out``."""

    name: str

    @property
    def request(self) -> Path:
        """The request folder."""
        return HERE / self.name

    @property
    def folder(self) -> Path:
        """Where everything goes."""
        return OUT / self.name

    @property
    def result(self) -> Path:
        """The finished file."""
        return self.folder / "edited.mp4"

    @property
    def pins(self) -> tuple[str, ...]:
        """What the newsroom hands to verifiers."""
        trust = self.folder / "trust"
        return "--trust", str(trust / "root.pem"), "--log-key", str(trust / "log.vkey")

    @property
    def picture(self) -> Path:
        """Before, mask, after."""
        return self.folder / "before-mask-after.png"

    @property
    def findings(self) -> Path:
        """What the object caused, and why, over the footage."""
        return self.folder / "findings.png"

    def command(self, *words: str, expect: int = 0) -> None:
        """Show a command, run it, and insist on its exit code."""
        console.print(f"\n[bold cyan]$ void-audit {escape(' '.join(map(_short, words)))}[/]")
        code = self._run(words).returncode
        if code != expect:
            sys.exit(f"void-audit {words[0]} ended with exit code {code}, expected {expect}")

    def json(self, *words: str) -> dict[str, object]:
        """Run a command quietly and read what it says."""
        done = self._run((*words, "--json"), capture_output=True, text=True)
        return dict(json.loads(done.stdout))

    def _run(self, words: tuple[str, ...], **kwargs: object) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("void-audit")
        environment = {**os.environ, "VOID_AUDIT_WORKSPACE": str(self.folder / ".void-audit")}
        return subprocess.run([str(program), *words], env=environment, check=False, **kwargs)  # type: ignore[call-overload,no-any-return]


def main() -> None:
    """Run the demo."""
    demo = Demo(sys.argv[1] if len(sys.argv) > 1 else "crossing")
    shutil.rmtree(demo.folder, ignore_errors=True)
    demo.folder.mkdir(parents=True)
    set_up(demo)
    check(demo, make(demo))
    break_it(demo)


def set_up(demo: Demo) -> None:
    """A workspace and two people."""
    console.rule("A workspace: keys, ledger, rules")
    demo.command(
        "init", "--no-passphrase", "--organisation", "Example Newsroom", "--admin", "editor-in-chief"
    )
    demo.command("keys", "add", "lois", "--role", "editor")
    for name in APPROVERS:
        demo.command("keys", "add", name, "--role", "approver")


def make(demo: Demo) -> dict[str, object]:
    """Policy, plan, approval, run."""
    console.rule("Prompt and policy, before anything runs")
    demo.command("prompt", "check", str(demo.request))
    demo.command("policy", "check", str(demo.request))
    console.rule("Plan: the object, its consequences, the mask. No pixel is synthesised")
    demo.command("plan", str(demo.request))
    planned = demo.json("plan", str(demo.request))
    edit = str(planned["edit"])
    demo.command("mask", "check", edit)
    shutil.copy(str(planned["findings"]), demo.findings)
    console.rule("Without an approval nothing runs")
    demo.command("run", edit, expect=4)
    console.rule("Other people approve this exact plan: as many as policy asked for")
    for name in APPROVERS[: int(str(planned["approvals_missing"]))]:
        demo.command("approve", edit, "--as", name)
    console.rule("Run: pass 1, pass 2, composite, checks, seal")
    demo.command("run", edit, "--out", str(demo.result))
    shutil.copy(demo.folder / ".void-audit" / "edits" / edit / "before-mask-after.png", demo.picture)
    return planned


def check(demo: Demo, planned: dict[str, object]) -> None:
    """What a stranger sees, and how near the result comes to the truth."""
    console.rule("A stranger verifies: the file, its receipt and the pinned keys are enough")
    shutil.copytree(demo.folder / ".void-audit" / "trust", demo.folder / "trust")
    demo.command("verify", str(demo.result), "--source", str(demo.request / "clip.mp4"), *demo.pins)
    console.rule("How near it comes to the truth, inside what the mask opens")
    measure(demo, planned)
    console.print(f"\nResult:               {_short(str(demo.result))}")
    console.print(f"Findings and reasons: {_short(str(demo.findings))}")
    console.print(f"Before, mask, after:  {_short(str(demo.picture))}")
    console.print(f"The whole story:      void-audit history {_short(str(demo.result))}")


def measure(demo: Demo, planned: dict[str, object]) -> None:
    """PSNR and SSIM inside the opened classes, against the same scene rendered without the object."""
    mask = MaskFile(Path(str(planned["mask_file"])))
    truth = VideoClip(demo.request / "truth.mp4")
    for name, path in (("the source, untouched", demo.request / "clip.mp4"), ("the edit", demo.result)):
        likeness = compare_opened(VideoClip(path).frames(), truth.frames(), mask.classes())
        console.print(f"  {name:24} PSNR {likeness.psnr:5.2f} dB   SSIM {likeness.ssim:.4f}")
    if demo.name == "topple":
        console.print(DYNAMICS, style="yellow")


def break_it(demo: Demo) -> None:
    """Flip one byte of a copy."""
    console.rule("One flipped byte in a copy")
    copy = demo.folder / "tampered.mp4"
    data = bytearray(demo.result.read_bytes())
    place = (data.index(b"mdat") + len(data)) // 2  # well inside the coded pictures
    data[place] ^= 1
    copy.write_bytes(data)
    shutil.copy(f"{demo.result}.receipt", f"{copy}.receipt")
    console.print(f"byte {place:,} of {len(data):,}: {data[place] ^ 1:#04x} -> {data[place]:#04x}")
    demo.command("verify", str(copy), *demo.pins, expect=1)


def _short(word: str) -> str:
    """Paths as seen from here."""
    here = str(Path.cwd()) + os.sep
    return word.replace(here, "")


if __name__ == "__main__":
    main()
