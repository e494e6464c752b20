"""What can truthfully be said of a scene, from one word to the whole sentence.

A caption is a template over attributes. A template that names few attributes is true of many
scenes, which contrastive training has to know: `Caption.attributes` says which it names.
"""

from __future__ import annotations

from dataclasses import dataclass

from zsrobust.data.scenes.tasks import (
    BACKGROUND_TEMPLATES,
    COLOUR_TEMPLATES,
    POSITION_TEMPLATES,
    SHAPE_TEMPLATES,
    SIZE_TEMPLATES,
    TEXTURE_TEMPLATES,
)
from zsrobust.data.scenes.world import Scene, SceneAttributes


@dataclass(frozen=True, slots=True)
class CaptionForm:
    """Sentences that name the same attributes.

    `templates` hold one named field for each of `attributes`, fields of SceneAttributes.
    """

    attributes: tuple[str, ...]
    templates: tuple[str, ...]

    def fill(self, attributes: SceneAttributes) -> tuple[str, ...]:
        """Return each template with the scene's own words."""
        words = {name: getattr(attributes, name) for name in self.attributes}
        return tuple(template.format(**words) for template in self.templates)


def _single(attribute: str, templates: tuple[str, ...]) -> CaptionForm:
    field = "{" + attribute + "}"
    return CaptionForm((attribute,), tuple(template.replace("{}", field) for template in templates))


FORMS: tuple[CaptionForm, ...] = (
    _single("shape", SHAPE_TEMPLATES),
    _single("colour", COLOUR_TEMPLATES),
    _single("texture", TEXTURE_TEMPLATES),
    _single("background", BACKGROUND_TEMPLATES),
    _single("size", SIZE_TEMPLATES),
    _single("position", POSITION_TEMPLATES),
    CaptionForm(("colour", "shape"), ("a photo of a {colour} {shape}.",)),
    CaptionForm(("texture", "shape"), ("a photo of a {texture} {shape}.",)),
    CaptionForm(("size", "shape"), ("a photo of a {size} {shape}.",)),
    CaptionForm(("shape", "position"), ("a photo of a {shape} in the {position}.",)),
    CaptionForm(("shape", "background"), ("a photo of a {shape} on a {background} background.",)),
    CaptionForm(("texture", "colour", "shape"), ("a picture of one {texture} {colour} {shape}.",)),
    CaptionForm(
        ("size", "texture", "colour", "shape", "position", "background"),
        (
            "a {size} {texture} {colour} {shape} in the {position} "
            "of a picture with a {background} background.",
        ),
    ),
)
"""Every form of caption; the single-attribute ones are the prompts of the tasks."""


def captions(scene: Scene) -> tuple[str, ...]:
    """Return all captions of a scene, the shortest forms first."""
    return tuple(text for form in FORMS for text in form.fill(scene.attributes))
