"""`zsrobust verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import DataRootOption, DeviceOption, JsonOption


def verify(
    run: Annotated[Path, typer.Argument(help="The folder of a finished evaluation.")],
    images: Annotated[
        int,
        typer.Option("--images", help="How many images are attacked again, slowly and plainly."),
    ] = 20,
    model: Annotated[
        str | None, typer.Option("--model", help="Where the run's model is, if it has moved.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", help="Where the run's images are, if they have moved."),
    ] = None,
    data_root: DataRootOption = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="The file of class names, if the run was given one."),
    ] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Check a finished run by other ways: its images, its attack and its numbers.

    Scores the stored adversarial images again, one by one; attacks a few images
    again by plain loops written from the papers, which share no attack code with
    the engine; computes the summary again from the records. Exit 1 for a fault.

    zsrobust verify runs/x/scenes-tiny--scenes-colours--pgd-20
    """
    from zsrobust.cli.progress import block_progress
    from zsrobust.cli.verification import print_verification
    from zsrobust.errors import RunError
    from zsrobust.verification.verify import verify as check_run

    with block_progress(str(run), unit="images") as on_image:
        found = check_run(
            run,
            images=images,
            model=model,
            dataset=dataset,
            data_root=data_root,
            classes_file=classes,
            device=device,
            on_image=on_image,
        )
    print_verification(found, as_json)
    if not found.passed:
        raise RunError(found.first_fault)
