"""Square Attack (Andriushchenko et al., ECCV 2020): random squares, no gradient.

Every image draws its own squares and colours; the released code draws one for the whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from zsrobust.attacks.ball import project
from zsrobust.attacks.bumps import bump, tiled_bumps
from zsrobust.attacks.losses import margin
from zsrobust.attacks.search import Attack, Case, Look, Search
from zsrobust.errors import SettingsError
from zsrobust.randomness import uniform_noise
from zsrobust.threat_model import Norm, ThreatModel

HALVED_AT = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Queries after which the share of pixels in a square is halved."""
_TINY = 1e-12
_POSITIONS = 4


@dataclass(frozen=True)
class Square(Attack):
    """Square Attack: `queries` random squares, each kept where it raises the margin.

    share: of the pixels that the first squares cover (p_init). The schedule is not stretched to
    the number of queries: AutoAttack's way.
    """

    queries: int = 5000
    share: float = 0.8

    def __post_init__(self) -> None:
        """Refuses settings that mean nothing."""
        if self.queries < 1 or not 0 < self.share <= 1:
            raise SettingsError(
                f"{self.name}: queries = {self.queries}, share = {self.share}: give at least 1 "
                "query and a share in (0, 1]."
            )

    def begin(self, case: Case, turn: int) -> SquareSearch:
        """From stripes (L-inf) or a tiling of bumps (L2), with all random numbers drawn."""
        _, channels, height, width = case.clean.shape
        key, device = (case.seed, self.name, turn), case.clean.device
        draws = uniform_noise(
            case.ids, (self.queries, _POSITIONS + channels + 1), *key, device=device
        )
        sides = _sides(self, height, width, case.threat.norm, device)
        return SquareSearch(
            looks=self.queries + 1,
            attack=self,
            threat=case.threat,
            clean=case.clean,
            labels=case.labels,
            corners=_corners(draws[..., :_POSITIONS], sides, height, width),
            signs=_signs(draws[..., _POSITIONS:]).to(torch.int8),
            best=_start(case, *key),
            best_margin=case.clean.new_full((len(case.ids),), -torch.inf),
            query=torch.zeros_like(case.labels),
        )


@dataclass
class SquareSearch(Search):
    """Square Attack under way.

    corners, signs: of each query's squares, (k, queries, 4) and (k, queries, channels + 1).
    """

    attack: Square
    threat: ThreatModel
    clean: Tensor
    labels: Tensor
    corners: Tensor
    signs: Tensor
    best: Tensor
    best_margin: Tensor
    query: Tensor

    def wants_gradient(self) -> Tensor:
        """None."""
        return torch.zeros_like(self.query, dtype=torch.bool)

    def pixels(self) -> Tensor:
        """The stripes at first, then the best so far with one more square."""
        going = (self.query > 0).nonzero().squeeze(1)
        if not len(going):
            return self.best
        if len(going) == len(self.query):
            return self._proposal()
        pixels = self.best.clone()
        pixels[going] = self.some(going)._proposal()
        return pixels

    def loss(self, logits: Tensor) -> Tensor:
        """The margin."""
        return margin(logits, self.labels)

    def advance(self, look: Look) -> Tensor:
        """Keeps a proposal that raised the margin, or that fools."""
        margins = self.loss(look.logits)
        kept = ((margins > self.best_margin) | (margins >= 0)).nonzero().squeeze(1)
        if len(kept):
            self.best = self.best.index_copy(0, kept, look.pixels.index_select(0, kept))
            self.best_margin[kept] = margins[kept]
        self.query += 1
        return self.query > self.attack.queries

    def _proposal(self) -> Tensor:
        rows, query = torch.arange(len(self.query), device=self.query.device), self.query - 1
        corners, signs = self.corners[rows, query], self.signs[rows, query]
        height, width = self.clean.shape[2:]
        side = _sides(self.attack, height, width, self.threat.norm, query.device)[query]
        if self.threat.norm == "linf":
            return self._recolour(corners, signs, side)
        return self._move_mass(corners, signs.to(self.clean.dtype), side)

    def _recolour(self, corners: Tensor, signs: Tensor, side: Tensor) -> Tensor:
        """L-inf: 2 eps up or down in a square, a sign a channel, then back into the ball."""
        inside = _window(corners[:, :2], side, self.clean)
        colour = signs[:, :-1] * (2 * self.threat.eps)
        proposed = (inside * colour[:, :, None, None]).add_(self.best)
        return project(proposed, self.clean, self.threat)

    def _move_mass(self, corners: Tensor, signs: Tensor, side: Tensor) -> Tensor:
        """L2: a bump in one window takes the mass of a second, and what the ball has left."""
        eps, delta = self.threat.eps, self.best - self.clean
        one = _window(corners[:, :2], side, self.clean)
        two = _window(corners[:, 2:], side, self.clean)
        channel_length = (delta.square() * one).sum((2, 3), keepdim=True).sqrt()
        both = (delta.square() * torch.maximum(one, two)).sum((2, 3), keepdim=True)
        left = (eps**2 - _length(delta).square()).clamp_min(0) / self.clean.shape[1]
        new = bump(one, side, signs[:, -1] < 0) * signs[:, :-1, None, None]
        new = new + one * delta / channel_length.clamp_min(_TINY)
        new = new / new.square().sum((2, 3), keepdim=True).sqrt().clamp_min(_TINY)
        delta = delta * (1 - torch.maximum(one, two)) + new * (left + both).sqrt()
        delta = delta * (eps / _length(delta).clamp_min(_TINY))
        return project(self.clean + delta, self.clean, self.threat)


def _start(case: Case, *key: object) -> Tensor:
    """Stripes of +eps and -eps, one a column and channel; in L2 a tiling of bumps of length eps."""
    _, channels, height, width = case.clean.shape
    device, eps = case.clean.device, case.threat.eps
    shape = (channels, 1, width) if case.threat.norm == "linf" else (channels, 5, 5)
    colours = _signs(uniform_noise(case.ids, shape, *key, "start", device=device))
    if case.threat.norm == "linf":
        return project(case.clean + eps * colours, case.clean, case.threat)
    tiling = tiled_bumps(height, width, device) * _tiles(colours, height, width)
    tiling = tiling * (eps / _length(tiling).clamp_min(_TINY))
    return project(case.clean + tiling, case.clean, case.threat)


@lru_cache
def _sides(attack: Square, height: int, width: int, norm: Norm, device: torch.device) -> Tensor:
    """The side of the square of each query, (queries,) int64; for L2 odd, and at least 3."""
    query = torch.arange(attack.queries, device=device)
    halvings = (query[:, None] > torch.tensor(HALVED_AT, device=device)).sum(1)
    shorter = min(height, width)
    sides = (attack.share * height * width / 2.0**halvings).sqrt().round().long()
    if norm == "linf":
        return sides.clamp(1, shorter)
    sides = sides.clamp(3, shorter)
    return (sides + (sides % 2 == 0).long()).clamp_max(shorter - 1 + shorter % 2)


def _corners(draws: Tensor, sides: Tensor, height: int, width: int) -> Tensor:
    """Upper left corners of two squares a query, (m, queries, 4) int16: top, left, top, left.

    draws: (m, queries, 4) in [-1, 1).
    """
    sizes = torch.tensor([height, width, height, width], device=draws.device)
    last = sizes - sides[:, None]
    places = ((draws + 1) / 2 * (last + 1)).long()
    return torch.minimum(places, last).to(torch.int16)


def _window(corner: Tensor, side: Tensor, like: Tensor) -> Tensor:
    """1 inside the square of each row, 0 outside: (k, 1, H, W). corner: (k, 2), top and left."""
    inside = []
    for first, size in zip(corner.unbind(1), like.shape[2:], strict=True):
        place = torch.arange(size, device=like.device) - first[:, None]
        inside.append((place >= 0) & (place < side[:, None]))
    return (inside[0][:, None, :, None] & inside[1][:, None, None, :]).to(like.dtype)


def _tiles(colours: Tensor, height: int, width: int) -> Tensor:
    """(m, 3, 5, 5) signs as (m, 3, H, W): one a tile."""
    down = (torch.arange(height, device=colours.device) * 5 // height).clamp_max(4)
    across = (torch.arange(width, device=colours.device) * 5 // width).clamp_max(4)
    return colours[:, :, down][:, :, :, across]


def _signs(draws: Tensor) -> Tensor:
    return torch.where(draws < 0, -1.0, 1.0)


def _length(delta: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(delta.flatten(1), dim=1)
    return lengths.view(-1, 1, 1, 1)
