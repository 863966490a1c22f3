"""The VAE over a clip: encoding, and decoding by our own loop, whole and in tiles; settings pinned as in a render."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_cogvideox import AutoencoderKLCogVideoX

from benchmarks.void.sizes import Scale, random_vae
from benchmarks.void.timing import Row, kept_apart, operations, psnr, relative_error, timed
from void_audit.pipeline.synthesize.void import codec, tiling
from void_audit.pipeline.synthesize.void.arithmetic import pinned

Coder = Callable[[AutoencoderKLCogVideoX], codec.Coder]


def measure(scale: Scale, device: torch.device, ceiling: float) -> Iterator[Row]:
    """A row for each way to encode and to decode ``scale.frames`` frames."""
    vae = random_vae(scale, device)
    generator = torch.Generator(device).manual_seed(5)
    size = (scale.height, scale.width)
    pictures = torch.rand((scale.frames, 3, *size), generator=generator, device=device).bfloat16() * 2 - 1
    latents = torch.randn(
        (1, 16, scale.latents, *(side // 8 for side in size)), generator=generator, device=device
    ).bfloat16()
    work = whole_operations(scale)
    runs: dict[str, tuple[Any, Coder]] = {
        "encode": (_encode, codec.Encoder),
        f"encode, tiles of {scale.tile}": (_encode, partial(tiling.TiledEncoder, tile=scale.tile)),
        "decode": (_decode, codec.Decoder),
        f"decode, tiles of {scale.tile}": (_decode, partial(tiling.TiledDecoder, tile=scale.tile)),
    }
    whole: dict[str, torch.Tensor] = {}
    for name, (run, coder) in runs.items():
        what, given = name.split(",", 1)[0], pictures if run is _encode else latents
        row: Row = {"variant": name}
        with kept_apart(row, device), pinned(device):
            timing = timed(device, partial(run, vae, coder, given), scale.rounds)
            output = run(vae, coder, given)
            rate = work[what] / timing.seconds / 1e12
            row |= {"seconds": timing.seconds, "spread": timing.spread, "activations": timing.peak}
            row |= {"tflops": rate, "of ceiling": rate / ceiling}
            if name == what:
                whole[what] = output
            if what in whole:
                row["error to whole"] = relative_error(output, whole[what])
                row["psnr to whole"] = psnr(output, whole[what])
        yield row


def _encode(vae: AutoencoderKLCogVideoX, coder: Coder, pictures: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat(list(codec.encode(coder(vae), pictures, len(pictures))), dim=2)


def _decode(vae: AutoencoderKLCogVideoX, coder: Coder, latents: torch.Tensor) -> torch.Tensor:
    """Every chunk goes to the CPU at once, as in a render."""
    with torch.no_grad():
        return torch.cat([chunk.cpu() for chunk in codec.decode(coder(vae), latents)], dim=2)


def whole_operations(scale: Scale) -> dict[str, int]:
    """Floating-point operations without tiles, counted on the meta device."""
    meta = torch.device("meta")
    with meta:
        vae = AutoencoderKLCogVideoX(**scale.vae).bfloat16().eval()
        pictures = torch.empty(scale.frames, 3, scale.height, scale.width, dtype=torch.bfloat16)
        latents = torch.empty(1, 16, scale.latents, scale.height // 8, scale.width // 8, dtype=torch.bfloat16)

    def decoded() -> None:
        with torch.no_grad():
            for _ in codec.decode(codec.Decoder(vae), latents):
                pass

    return {
        "encode": operations(lambda: _encode(vae, codec.Encoder, pictures)),
        "decode": operations(decoded),
    }
