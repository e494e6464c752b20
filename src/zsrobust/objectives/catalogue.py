"""The objectives that are known by name: settings that a recipe fills, and what they build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.adversarial_training import (
    AdversarialTrainingSettings,
    adversarial_training,
)
from zsrobust.objectives.agft import AgftSettings, agft
from zsrobust.objectives.caw import CawSettings, caw
from zsrobust.objectives.comp_tga import CompTgaSettings, comp_tga
from zsrobust.objectives.contrastive import ContrastSettings
from zsrobust.objectives.fare import FareSettings, fare
from zsrobust.objectives.ft_adv import ft_adv
from zsrobust.objectives.ft_clean import ft_clean
from zsrobust.objectives.lore import LoreSettings, lore
from zsrobust.objectives.objective import LearnsFrom, Objective
from zsrobust.objectives.patch_anchor import PatchAnchorSettings, patch_anchor
from zsrobust.objectives.pmg_aft import PmgAftSettings, pmg_aft
from zsrobust.objectives.sim_clip import SimClipSettings, sim_clip, sim_clip_as_released
from zsrobust.objectives.tecoa import TecoaSettings, tecoa, tecoa_learns_from
from zsrobust.objectives.tga_zsr import TgaZsrSettings, tga_zsr
from zsrobust.objectives.ucat import UcatSettings, ucat
from zsrobust.registry import Registry
from zsrobust.settings import StrictModel, parse


@dataclass(frozen=True)
class ObjectiveKind:
    """A strict settings model, and the function from it and the classifier to an Objective.

    learns_from: from settings to what of the data such an objective needs.
    """

    settings: type[StrictModel]
    build: Callable[[Any, ZeroShotClassifier], Objective]
    learns_from: Callable[[Any], LearnsFrom] = lambda _: "labels"


OBJECTIVES: Registry[ObjectiveKind] = Registry(
    kind="objective",
    entries={
        "ft-clean": ObjectiveKind(ContrastSettings, ft_clean),
        "ft-adv": ObjectiveKind(ContrastSettings, ft_adv),
        "adversarial-training": ObjectiveKind(AdversarialTrainingSettings, adversarial_training),
        "tecoa": ObjectiveKind(TecoaSettings, tecoa, tecoa_learns_from),
        "tga-zsr": ObjectiveKind(TgaZsrSettings, tga_zsr),
        "comp-tga": ObjectiveKind(CompTgaSettings, comp_tga),
        "patch-anchor": ObjectiveKind(PatchAnchorSettings, patch_anchor),
        "pmg-aft": ObjectiveKind(PmgAftSettings, pmg_aft),
        "caw": ObjectiveKind(CawSettings, caw),
        "fare": ObjectiveKind(FareSettings, fare, lambda _: "images"),
        "lore": ObjectiveKind(LoreSettings, lore, lambda _: "images"),
        "agft": ObjectiveKind(AgftSettings, agft, lambda _: "class names"),
        "ucat": ObjectiveKind(UcatSettings, ucat),
        "sim-clip": ObjectiveKind(SimClipSettings, sim_clip, lambda _: "images"),
        "sim-clip-as-released": ObjectiveKind(
            SimClipSettings, sim_clip_as_released, lambda _: "images"
        ),
    },
    see="zsrobust recipes",
)


def build_objective(
    kind: str, settings: Mapping[str, Any], classifier: ZeroShotClassifier, where: str = "objective"
) -> Objective:
    """The objective `kind` for `classifier`, before any training of it.

    Raises UnknownNameError, or SettingsError listing what is wrong with `settings`.
    """
    known = OBJECTIVES[kind]
    return known.build(parse(known.settings, settings, where), classifier)


def learns_from(kind: str, settings: Mapping[str, Any]) -> LearnsFrom:
    """What of the data, beside the images, an objective with these settings needs."""
    known = OBJECTIVES[kind]
    return known.learns_from(parse(known.settings, settings, "objective.settings"))
