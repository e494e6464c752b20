"""How large a self-check is, and how it is fitted to the time there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from zsrobust.errors import SettingsError
from zsrobust.threat_model import parse_eps

Count = Annotated[int, Field(ge=1)]
FEWEST, MOST = 64, 200
QUERIES, MOST_QUERIES = 500, 5000
HALF_IMAGES, HALF_SHARE = 32, 0.15
"""Images attacked in each half precision, at most, and the share of the time for each."""
DECISIVE = 8
"""Images that must differ, all one way, before a paired test falls below 0.01."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Plan:
    """The counts of a self-check.

    n: images. queries: of Square. radii: of the curve, L-inf, ascending, from "0" to "255/255".
    steps: of PGD; apgd_steps: of APGD. more_steps, restarts: of the PGD that should find no more.
    batches: sizes at which every clean decision must be the same. bf16_images, fp16_images:
    how many are attacked in that precision; 0 where it is too slow, as fp16 on a CPU may be.
    """

    n: Count = FEWEST
    queries: Count = QUERIES
    batch_size: Count = 64
    radii: tuple[str, ...] = (
        "0", "1/255", "2/255", "4/255", "8/255", "16/255", "64/255", "255/255",
    )  # fmt: skip
    steps: Count = 20
    apgd_steps: Count = 30
    more_steps: Count = 60
    restarts: Count = 2
    batches: tuple[Count, ...] = (1, 8, 256)
    bf16_images: Annotated[int, Field(ge=0)] = HALF_IMAGES
    fp16_images: Annotated[int, Field(ge=0)] = HALF_IMAGES

    def __post_init__(self) -> None:
        """Refuses a curve that does not run from the clean image to the whole box."""
        values = [parse_eps(eps) for eps in self.radii]
        if len(values) < 3 or values != sorted(set(values)) or (values[0], values[-1]) != (0, 1):
            raise SettingsError(
                f"radii = {', '.join(self.radii)}: give at least three, ascending, from 0 to "
                "255/255."
            )

    def with_radius(self, eps: str) -> Plan:
        """The same with `eps` on the curve, at its place; raises SettingsError for no radius."""
        value = parse_eps(eps)
        if any(abs(parse_eps(known) - value) < 1e-9 for known in self.radii):
            return self
        return replace(self, radii=tuple(sorted([*self.radii, eps], key=parse_eps)))

    def radius_of(self, eps: str) -> str:
        """The radius of the curve that `eps` means ("8/510" is "4/255")."""
        return min(self.radii, key=lambda known: abs(parse_eps(known) - parse_eps(eps)))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Pilot:
    """What a few images told: how fast the model is, and how many of them it keeps.

    forward, gradient: seconds an image for one forward, and for one with the gradient in the
    pixels. bf16, fp16: for one gradient in them; bf16 is followed by one in fp32 and counts both.
    kept: (radius, share kept there), ascending, up to the radius at which attacks are compared.
    """

    forward: float
    gradient: float
    bf16: float
    fp16: float
    kept: tuple[tuple[float, float], ...]

    def share(self, radius: float) -> float:
        """The share that is expected to be kept at a radius: beyond those seen, ever less."""
        seen = [share for known, share in self.kept if known <= radius + 1e-9]
        last, share = self.kept[-1]
        return seen[-1] if radius <= last + 1e-9 else share * last / radius

    def close_share(self, images: int) -> float:
        """The share kept where attacks will be compared: the largest radius that keeps enough."""
        enough = [share for _, share in self.kept if share * images >= DECISIVE]
        return enough[-1] if enough else self.kept[0][1]


def estimate(plan: Plan, pilot: Pilot) -> float:
    """Seconds that the plan will take: gradients and forwards, on those who are kept."""
    radii, close = [parse_eps(eps) for eps in plan.radii[1:]], pilot.close_share(plan.n)
    looks = plan.steps + 2 * plan.apgd_steps + plan.restarts * plan.more_steps
    gradients = 2 * plan.steps * sum(map(pilot.share, radii)) + looks * close
    # Those who fall do so after a few looks; every verdict is one forward more.
    gradients += 3 * (len(radii) + 8)
    forwards = len(plan.batches) + 3 * (len(radii) + 8) + plan.queries * close
    halves = plan.bf16_images * pilot.bf16 + plan.fp16_images * pilot.fp16
    halves *= plan.steps * close
    return halves + plan.n * (gradients * pilot.gradient + forwards * pilot.forward)


def fit(pilot: Pilot, seconds: float, plan: Plan, images: int) -> Plan:
    """The plan with n (64 to 200) and Square's queries (500 to 5000) as `seconds` allow.

    First n with 500 queries, then queries with what is left; never less than the least, even where
    that takes longer, and never more than the `images` there are.
    """
    halves = [_half_images(each * plan.steps, seconds) for each in (pilot.bf16, pilot.fp16)]
    least = replace(plan, queries=QUERIES, bf16_images=halves[0], fp16_images=halves[1])
    counts = range(FEWEST, MOST + 1)
    n = max((n for n in counts if estimate(replace(least, n=n), pilot) <= seconds), default=FEWEST)
    least = replace(least, n=min(n, images))
    more = replace(least, queries=QUERIES + 100)
    hundred = estimate(more, pilot) - estimate(least, pilot)
    rest = max(seconds - estimate(least, pilot), 0.0)
    queries = QUERIES + 100 * int(min(rest / max(hundred, 1e-9), 100))
    return replace(least, queries=min(queries, MOST_QUERIES))


def _half_images(seconds_each: float, seconds: float) -> int:
    """How many images may be attacked in a lower precision: enough for a paired test, or none."""
    count = int(HALF_SHARE * seconds / max(seconds_each, 1e-9))
    return min(count, HALF_IMAGES) if count >= DECISIVE else 0
