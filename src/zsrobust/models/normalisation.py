"""The mean and std of pixels that a release's models were trained with."""

from __future__ import annotations

from typing import Literal

Triple = tuple[float, float, float]
Release = Literal["tecoa", "pmg-aft", "tga-zsr", "comp-tga", "robustvlm"]

CLIP: tuple[Triple, Triple] = (
    (0.48145466, 0.4578275, 0.40821073),
    (0.26862954, 0.26130258, 0.27577711),
)
IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

NORMALISATIONS: dict[Release, tuple[Triple, Triple]] = {
    "tecoa": CLIP,
    "pmg-aft": IMAGENET,
    "tga-zsr": CLIP,
    "comp-tga": CLIP,
    "robustvlm": CLIP,
}
"""Release -> (mean, std), from their code: PMG-AFT normalises CLIP's input by ImageNet's."""
