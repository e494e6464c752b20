"""Square Attack (Andriushchenko et al., ECCV 2020): random squares, no gradient.

Every image draws its own squares and colours; the released code draws one for the whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.ball import project
from zsrobust.attacks.bumps import bump, tiled_bumps
from zsrobust.attacks.losses import margin
from zsrobust.attacks.search import Attack, Case, Look
from zsrobust.errors import SettingsError
from zsrobust.randomness import uniform_noise

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
        """From stripes (L-inf) or a tiling of bumps (L2)."""
        return SquareSearch(self, case, turn)


class SquareSearch:
    """Square Attack under way on some images."""

    def __init__(self, attack: Square, case: Case, turn: int) -> None:
        """Draws all random numbers an image will need."""
        self.attack, self.case, self.looks = attack, case, attack.queries + 1
        _, channels, height, width = case.clean.shape
        key = (case.seed, attack.name, turn)
        device = case.clean.device
        self.sides = _sides(attack, case)
        draws = uniform_noise(
            case.ids, (attack.queries, _POSITIONS + channels + 1), *key, device=device
        )
        self.corners = _corners(draws[..., :_POSITIONS], self.sides, height, width)
        self.signs = _signs(draws[..., _POSITIONS:]).to(torch.int8)
        self.best_margin = torch.full((len(case.ids),), -torch.inf, device=device)
        self.query = torch.zeros_like(case.labels)
        shape = (channels, 1, width) if case.threat.norm == "linf" else (channels, 5, 5)
        colours = _signs(uniform_noise(case.ids, shape, *key, "start", device=device))
        if case.threat.norm == "linf":
            start = case.threat.eps * colours
        else:
            start = tiled_bumps(height, width, device) * _tiles(colours, height, width)
            start = start * (case.threat.eps / _length(start).clamp_min(_TINY))
        self.best = project(case.clean + start, case.clean, case.threat)

    def wants_gradient(self, rows: Tensor) -> Tensor:
        """None."""
        return torch.zeros_like(rows, dtype=torch.bool)

    def pixels(self, rows: Tensor) -> Tensor:
        """The stripes at first, then the best so far with one more square."""
        query, pixels = self.query[rows], self.best.index_select(0, rows)
        going = query > 0
        if not bool(going.any()):
            return pixels
        propose = self._recolour if self.case.threat.norm == "linf" else self._move_mass
        if bool(going.all()):
            return propose(rows, pixels, query - 1)
        some = going.nonzero().squeeze(1)
        pixels[some] = propose(rows[some], pixels[some], query[some] - 1)
        return pixels

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """The margin."""
        return margin(logits, self.case.labels[rows])

    def advance(self, rows: Tensor, look: Look) -> Tensor:
        """Keeps a proposal that raised the margin, or that fools."""
        margins = self.loss(look.logits, rows)
        better = (margins > self.best_margin[rows]) | (margins >= 0)
        kept = better.nonzero().squeeze(1)
        self.best[rows[kept]] = look.pixels.index_select(0, kept)
        self.best_margin[rows[kept]] = margins[kept]
        self.query[rows] += 1
        return self.query[rows] > self.attack.queries

    def _recolour(self, rows: Tensor, best: Tensor, query: Tensor) -> Tensor:
        """L-inf: 2 eps up or down in a square, a sign a channel, then back into the ball."""
        clean, corners = self.case.clean.index_select(0, rows), self.corners[rows, query]
        inside = _window(corners[:, :2], self.sides[query], clean)
        colour = self.signs[rows, query, :-1] * (2 * self.case.threat.eps)
        proposed = (inside * colour[:, :, None, None]).add_(best)
        return project(proposed, clean, self.case.threat)

    def _move_mass(self, rows: Tensor, best: Tensor, query: Tensor) -> Tensor:
        """L2: a bump in one window takes the mass of a second, and what the ball has left."""
        clean, eps = self.case.clean.index_select(0, rows), self.case.threat.eps
        delta, side = best - clean, self.sides[query]
        corners, signs = self.corners[rows, query], self.signs[rows, query].to(clean.dtype)
        one, two = _window(corners[:, :2], side, clean), _window(corners[:, 2:], side, clean)
        channel_length = (delta.square() * one).sum((2, 3), keepdim=True).sqrt()
        both = (delta.square() * torch.maximum(one, two)).sum((2, 3), keepdim=True)
        left = (eps**2 - _length(delta).square()).clamp_min(0) / clean.shape[1]
        new = bump(one, side, signs[:, -1] < 0) * signs[:, :-1, None, None]
        new = new + one * delta / channel_length.clamp_min(_TINY)
        new = new / new.square().sum((2, 3), keepdim=True).sqrt().clamp_min(_TINY)
        delta = delta * (1 - torch.maximum(one, two)) + new * (left + both).sqrt()
        delta = delta * (eps / _length(delta).clamp_min(_TINY))
        return project(clean + delta, clean, self.case.threat)


def _sides(attack: Square, case: Case) -> Tensor:
    """The side of the square of each query, (queries,) int64; for L2 odd, and at least 3."""
    query = torch.arange(attack.queries, device=case.clean.device)
    halvings = (query[:, None] > torch.tensor(HALVED_AT, device=query.device)).sum(1)
    height, width = case.clean.shape[2:]
    shorter = min(height, width)
    sides = (attack.share * height * width / 2.0**halvings).sqrt().round().long()
    if case.threat.norm == "linf":
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
