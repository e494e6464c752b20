"""What must be said of a run before its numbers."""

from __future__ import annotations

from zsrobust.evaluation.protocol import Protocol
from zsrobust.models.model import Model
from zsrobust.threat_model import format_eps, parse_eps


def warnings_before(
    model: Model, protocol: Protocol, prompts: str | None = None
) -> tuple[str, ...]:
    """The model's own warnings, the canary, and prompts of another kind than the protocol's.

    prompts: the kind with which the images were loaded.
    """
    return (*model.warnings, *_canary(model, protocol), *_other_prompts(protocol, prompts))


def _canary(model: Model, protocol: Protocol) -> tuple[str, ...]:
    """A radius at which even the undefended model keeps accuracy proves little.

    Each base model's card states the radius at which its undefended accuracy falls below 0.5 %.
    """
    canary = model.card.canary_eps if model.card else None
    if canary is None or protocol.settings.norm != "linf" or not protocol.radii:
        return ()
    smallest = min(protocol.radii)
    if smallest >= parse_eps(canary) - 1e-9:
        return ()
    return (
        f"At {format_eps(smallest)} even the undefended base model keeps accuracy above 0.5 %; "
        f"it falls below at {canary} (the canary eps of its card).",
    )


def _other_prompts(protocol: Protocol, prompts: str | None) -> tuple[str, ...]:
    asked = protocol.settings.prompts
    if prompts is None or isinstance(asked, list) or asked in ("dataset", prompts):
        return ()
    return (f"The set has no prompts '{asked}': '{prompts}' took their place, as its suite says.",)
