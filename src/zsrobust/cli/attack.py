"""`zsrobust attack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import DeviceOption, JsonOption, ModelOption, SeedOption


def attack(
    path: Annotated[
        Path, typer.Argument(help="An image, a folder of images, or of class/image files.")
    ],
    model: ModelOption,
    eps: Annotated[
        str, typer.Option("--eps", help="How far a pixel may move, such as 2/255 (l2: a length).")
    ],
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            help="Names to choose from: cat,dog,bird, or a file with one a line. Class folders "
            "bring their own.",
        ),
    ] = None,
    attack: Annotated[str, typer.Option("--attack", help="See `zsrobust attacks`.")] = "apgd-ce+t",
    norm: Annotated[str, typer.Option("--norm", help="linf or l2.")] = "linf",
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            help="The true class of the images; without it, the model's own clean answer.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The run folder; default: one of its own in runs/attack/."),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Images at once.")] = 64,
    seed: SeedOption = 0,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Attack an image or a folder of images: adversarial PNGs, and what the model says.

    zsrobust attack my-photo.jpg --classes cat,dog,bird --model photos-mini --eps 2/255

    The change is bounded on what the model sees: its input size, centre crop.
    """
    from zsrobust.cli.attacked import print_attacked
    from zsrobust.cli.progress import block_progress
    from zsrobust.workflows.attack_images import attack_images

    with block_progress(f"{attack} on {path}") as on_block:
        done = attack_images(
            path,
            classes,
            model,
            eps,
            attack=attack,
            norm=norm,
            label=label,
            out=out,
            batch_size=batch_size,
            seed=seed,
            device=device,
            on_block=on_block,
        )
    print_attacked(done, as_json)
