"""Speed, memory and likeness of the VOID engine, with random weights and no network.

python -m benchmarks.void                       the real size on a CUDA GPU, else a tiny model on the CPU
python -m benchmarks.void --minutes 3           a few steps of every pass, multiplied; the table says which
python -m benchmarks.void --json out.json       figures with device, date, versions and command
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch

from benchmarks.void import codecs, forwards, passes, tables
from benchmarks.void.sizes import REAL, SCALES, Scale
from benchmarks.void.timing import Row, ceilings, kept_apart

PARTS = ("forwards", "vae", "passes")


def main() -> None:
    """Measure; print each row as it comes, and all tables at the end."""
    options = arguments()
    device, scale = torch.device(options.device), SCALES[options.size]
    report: Row = {"benchmark": "void", "scale": scale.name, "minutes": options.minutes}
    report |= {
        **tables.surroundings(device),
        "tokens": scale.tokens,
        "operations": forwards.forward_operations(scale, 1),
    }
    ceiling = report["ceilings"] = ceilings(device, scale.matmul, scale.rounds)
    parts: dict[str, tuple[Iterable[Row], tables.Columns]] = {
        "forwards": (forwards.measure(scale, device, ceiling["matmul_tflops"]), tables.FORWARDS),
        "vae": (codecs.measure(scale, device, ceiling["matmul_tflops"]), tables.CODECS),
        "passes": (
            passes.measure(scale, device, ceiling["matmul_tflops"], options.profiles, options.minutes),
            tables.PASSES,
        ),
    }
    for name in options.only:
        rows, columns = parts[name]
        report[name] = []
        for row in _whole(name, rows, device):
            print(tables.line(row, columns), flush=True)
            report[name].append(row)
            if options.json:  # at once: a machine that is taken away takes only what was not yet measured
                tables.write(options.json, report)
    print(f"\n{_head(report, scale)}")
    for name in options.only:
        print(f"\n{tables.table(report[name], parts[name][1])}")
    if "passes" in options.only:
        print(f"\n{_aims(report, scale)}")
    if options.json:
        tables.write(options.json, report)


def _whole(name: str, rows: Iterable[Row], device: torch.device) -> Iterator[Row]:
    """The rows; and if what they share cannot be made, a row that says why."""
    broken: Row = {"part": name}
    with kept_apart(broken, device):
        yield from rows
    if "failed" in broken:
        yield broken


def _head(report: Row, scale: Scale) -> str:
    reached = report["ceilings"]
    return (
        f"{report['device']} ({report['machine']}), torch {report['versions']['torch']}, {report['date']}\n"
        f"{report['command']}\n"
        f"{scale.name} model of random weights, {scale.width}x{scale.height}, {scale.frames} frames, "
        f"{scale.tokens:,} tokens, {report['operations'] / 1e12:.5g} TFLOP per forward\n"
        f"matrix product {reached['matmul_tflops']:.3g} TFLOP/s, copy {reached['copy_tb_per_s']:.3g} TB/s "
        f"(spread {tables.percent(reached['spread'])})"
    )


def _aims(report: Row, scale: Scale) -> str:
    if scale is not REAL or not torch.cuda.is_available():
        return "The aims are for the real size on a GPU; a tiny model on this one says nothing of them."
    report["aims"] = dict(passes.aims(report["passes"]))
    return "\n".join(f"- {aim}: {answer}" for aim, answer in report["aims"].items())


def arguments() -> argparse.Namespace:
    """The command line."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.void", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--size", choices=SCALES)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument(
        "--minutes", type=float, help="for the steps of all passes; default: all steps are run"
    )
    parser.add_argument("--only", type=_listed(PARTS), default=PARTS, help=", ".join(PARTS))
    names = tuple(passes.PROFILES)
    parser.add_argument("--profiles", type=_listed(names), default=names, help=", ".join(names))
    options = parser.parse_args()
    if torch.device(options.device).type == "cuda" and not cuda:
        parser.error("no CUDA device here; --device cpu --size tiny runs the same code")
    options.size = options.size or ("real" if options.device.startswith("cuda") else "tiny")
    return options


def _listed(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Names separated by commas, each of them known; kept in the order in which they are measured."""

    def read(text: str) -> tuple[str, ...]:
        given = [part.strip() for part in text.split(",")]
        if unknown := set(given) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
        return tuple(name for name in known if name in given)

    return read


if __name__ == "__main__":
    main()
