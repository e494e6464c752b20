"""The four-row figure of the TGA-ZSR paper: image, attention, adversarial image, attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from zsrobust.report.attention import SavedAttention
from zsrobust.report.drawing import INK, as_svg, styled

RIGHT, WRONG = INK, "#c8102e"
ROWS = ("image", "attention", "attacked", "attention")


def attention_figure(saved: SavedAttention, shown: int = 6) -> str:
    """The first images of a run in four rows, as SVG.

    Under each image the model's answer: black when right, red when wrong. Attention is that to
    the true class's text.
    """
    count = min(shown, len(saved["images"]))
    names, labels = saved["class_names"], saved["labels"]
    with styled() as plot:
        figure, axes = plot.subplots(4, count, figsize=(1.25 * count, 5.6), squeeze=False)
        for column in range(count):
            true = int(labels[column])
            for row, (picture, overlay, said) in enumerate(_column(saved, column)):
                place = axes[row][column]
                place.imshow(picture, interpolation="nearest")
                if overlay is not None:
                    size = picture.shape[0] - 0.5, picture.shape[1] - 0.5
                    place.imshow(
                        overlay, cmap="magma", alpha=0.62, vmin=0, vmax=1,
                        interpolation="bilinear", extent=(-0.5, size[1], size[0], -0.5),
                    )  # fmt: skip
                place.set_axis_off()
                if said is not None:
                    place.set_title(
                        names[said], fontsize=8.5, pad=3, color=RIGHT if said == true else WRONG
                    )
        for row, word in enumerate(ROWS):
            axes[row][0].text(
                -0.08, 0.5, word, transform=axes[row][0].transAxes, rotation=90,
                ha="right", va="center", fontsize=8.5,
            )  # fmt: skip
        figure.subplots_adjust(wspace=0.05, hspace=0.16)
        return as_svg(figure)


def _column(saved: SavedAttention, i: int) -> list[tuple[np.ndarray, Any, int | None]]:
    """(picture, attention to lay over it, predicted class to print) of the four rows."""
    clean, attacked = saved["images"][i], saved["adversarial"][i]
    return [
        (clean, None, int(saved["predictions_clean"][i])),
        (clean, saved["maps_clean"][i], None),
        (attacked, None, int(saved["predictions_adversarial"][i])),
        (attacked, saved["maps_adversarial"][i], None),
    ]
