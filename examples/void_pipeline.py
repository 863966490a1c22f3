"""VOID on its own, like any other diffusers pipeline: no ledger, no workspace, and so nothing on record.

python examples/void_pipeline.py
    a tiny model with random weights on examples/crossing, to see the calls; its result is noise by design
python examples/void_pipeline.py --model FOLDER --video clip.mp4 --mask quadmask.mkv --prompt "A table."
    VOID itself, from a folder as `void-audit models` keeps it; on the GPU if there is one

--pass2 adds the second pass, which starts from noise that moves with the first one's pictures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import void_audit.pipeline.synthesize.void  # isort: skip  # noqa: F401 - before diffusers, whose start is noisy
import av
import numpy as np
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from void_audit.media.maskfile import BitmapFile
from void_audit.media.maskimport import import_mask
from void_audit.media.reader import VideoClip
from void_audit.model.engine import WeightsRef
from void_audit.model.geometry import Size
from void_audit.model.mask import VALUES
from void_audit.pipeline.synthesize.void.loading import SchedulerName, load_pipeline
from void_audit.pipeline.synthesize.void.masks import resize_classes
from void_audit.pipeline.synthesize.void.motion import DisFlow
from void_audit.pipeline.synthesize.void.noise import tensor_digest
from void_audit.pipeline.synthesize.void.padding import latent_length, padded, padded_length
from void_audit.pipeline.synthesize.void.pipeline import VoidPipeline
from void_audit.pipeline.synthesize.void.warp import warped_noise
from void_audit.weights.folders import VerifiedFolder, scan

HERE = Path(__file__).resolve().parent
CROSSING = HERE / "crossing"
PROMPT = "A quiet living room."
SEED = 42


@dataclass(frozen=True)
class Settings:
    """What differs between the real model and the tiny one."""

    size: Size
    steps: tuple[int, int]
    """Of pass 1 and pass 2."""
    window: int = 85
    """Frames that the transformer sees at once; longer clips take several windows that overlap."""
    overlap: int = 16


REAL = Settings(Size(672, 384), (30, 50))
TINY = Settings(Size(112, 64), (4, 4), 21, 8)


def main() -> None:
    """Read the clip, run one pass or both, write the result and say what it is."""
    options = arguments()
    how = settings(options)
    clip = VideoClip(options.video)
    video = [torch.from_numpy(p).permute(2, 0, 1) for p in clip.view(size=how.size).frames()]
    mask = quadmask(options.mask, clip, how.size) if options.mask else crossing_mask(how.size)
    make = real_model(options.model) if options.model else tiny_model

    result = run(make(1), 1, how, video, mask, options.prompt)
    if options.pass2:
        noise = moving_noise(result, how)
        print(f"noise that moves with pass 1: {tuple(noise.shape)}, standard deviation {noise.std():.3f}")
        # latents= is where the diffusion begins; classifier-free guidance is on in pass 2.
        result = run(make(2), 2, how, video, mask, options.prompt, latents=noise, guidance_scale=6.0)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save(options.out, result, clip.info.rate)
    print(f"written to {options.out}")


def run(
    pipe: VoidPipeline,
    number: int,
    how: Settings,
    video: list[torch.Tensor],
    mask: list[torch.Tensor],
    prompt: str,
    **others: Any,
) -> torch.Tensor:
    """Pass ``number``: frames (F, 3, H, W) in 0..1. The fixed generator makes the same result every time."""
    start, steps = time.perf_counter(), how.steps[number - 1]

    def told(pipe: VoidPipeline, step: int, timestep: int, tensors: dict[str, Any]) -> dict[str, Any]:
        spread, passed = tensors["latents"].std(), time.perf_counter() - start
        print(f"pass {number}, step {step + 1}/{steps}: t = {timestep}, spread {spread:.2f}, {passed:.1f} s")
        return {}

    pipe.set_progress_bar_config(disable=True)
    result = pipe(
        prompt, video=video, mask=mask,
        num_inference_steps=steps,
        generator=torch.Generator().manual_seed(SEED),
        latents_dtype=torch.float32,
        window_frames=how.window,
        overlap_frames=how.overlap,
        callback_on_step_end=told,
        **others,
    )  # fmt: skip
    frames: torch.Tensor = result.frames[0]
    seconds = time.perf_counter() - start
    print(f"pass {number}: {tuple(frames.shape)} in {seconds:.1f} s, SHA-256 {tensor_digest(frames)}")
    return frames


def moving_noise(frames: torch.Tensor, how: Settings) -> torch.Tensor:
    """Pass 2's starting latents: white noise carried along the optical flow of pass 1's frames."""
    count, _, height, width = frames.shape
    total = padded_length(count, how.window)
    pictures = ((255 * f).round().byte().permute(1, 2, 0).numpy() for f in padded(frames, count, total))
    return warped_noise(pictures, latent_length(total), height, width, DisFlow(), SEED, geometry="aligned")


def real_model(folder: Path) -> Callable[[Literal[1, 2]], VoidPipeline]:
    """VOID's two checkpoints, one component at a time on the GPU.

    Only files whose content was hashed are read, and no pickles. Which digests to trust is here left to you;
    in void-audit the house's list says it.
    """
    print(f"hashing the files of {folder}")
    refs = tuple(WeightsRef(name=f"void/{f.path}", sha256=f.sha256) for f in scan(folder))
    files = VerifiedFolder(folder, "void", refs, dynamics=True, purpose="this example")

    def make(number: Literal[1, 2]) -> VoidPipeline:
        scheduler: SchedulerName = "DDIMScheduler" if number == 1 else "CogVideoXDDIMScheduler"
        pipe = load_pipeline(files, number, torch.bfloat16, scheduler)
        if torch.cuda.is_available():
            pipe.enable_model_cpu_offload()
        return pipe

    return make


def tiny_model(number: int) -> VoidPipeline:
    """The same five components with random weights, 0.8 million of them instead of 10,700 million."""
    print("RANDOM WEIGHTS: this model has learned nothing, and what it makes is noise by design.")
    torch.manual_seed(number)
    letters = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    letters += [(chr(code), -3.0) for code in range(33, 127)]
    tokenizer = T5Tokenizer(vocab=letters, extra_ids=0)
    text = T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2)
    vae = AutoencoderKLCogVideoX(
        block_out_channels=(8, 8, 16, 16), layers_per_block=1, norm_num_groups=4, scaling_factor=0.7,
        down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
    )  # fmt: skip
    transformer = CogVideoXTransformer3DModel(
        in_channels=48, out_channels=16, num_layers=2, num_attention_heads=2, attention_head_dim=64,
        time_embed_dim=32, text_embed_dim=32, patch_size_t=2, sample_width=680, sample_height=384,
        sample_frames=85, use_rotary_positional_embeddings=True,
    )  # fmt: skip
    scheduler = CogVideoXDDIMScheduler(
        prediction_type="v_prediction", rescale_betas_zero_snr=True, timestep_spacing="trailing",
        snr_shift_scale=1.0, clip_sample=False,
    )  # fmt: skip
    return VoidPipeline(tokenizer, T5EncoderModel(text).eval(), vae.eval(), transformer.eval(), scheduler)


def quadmask(path: Path, clip: VideoClip, size: Size) -> list[torch.Tensor]:
    """A quadmask file (0 object, 63 both, 127 affected, 255 keep) at the model's size."""
    values = np.asarray(VALUES, np.uint8)
    classes = import_mask(path, clip.info).classes()
    return [resize_classes(values[frame], size.height, size.width) for frame in classes]


def crossing_mask(size: Size) -> list[torch.Tensor]:
    """The ball of examples/crossing as the object, everything else to be kept."""
    objects = BitmapFile(CROSSING / "object_mask.mkv").bitmaps()
    values = (np.where(bitmap, 0, 255).astype(np.uint8) for bitmap in objects)
    return [resize_classes(frame, size.height, size.width) for frame in values]


def save(path: Path, frames: torch.Tensor, rate: Any) -> None:
    """H.264 for eyes; whoever goes on computing takes the tensor."""
    pictures = (255 * frames).round().byte().permute(0, 2, 3, 1).numpy()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:3], "yuv420p"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder with base/ and void_pass*.safetensors")
    parser.add_argument("--video", type=Path, default=CROSSING / "clip.mp4")
    parser.add_argument("--mask", type=Path, help="quadmask video of the clip's size and length")
    parser.add_argument("--prompt", default=PROMPT, help="the scene after the removal")
    parser.add_argument("--out", type=Path, default=HERE.parent / "demo-out" / "void.mp4")
    parser.add_argument("--pass2", action="store_true", help="the second pass, too")
    parser.add_argument("--size", help="WIDTHxHEIGHT that the model works at, multiples of 16")
    parser.add_argument("--steps", type=int, help="of each pass")
    options = parser.parse_args()
    if options.mask is None and options.video != CROSSING / "clip.mp4":
        parser.error("a clip of your own needs --mask")
    return options


def settings(options: argparse.Namespace) -> Settings:
    """The model's own, less what the command line changes."""
    how = REAL if options.model else TINY
    if options.size:
        how = replace(how, size=Size(*map(int, options.size.split("x"))))
    return replace(how, steps=(options.steps, options.steps)) if options.steps else how


if __name__ == "__main__":
    main()
