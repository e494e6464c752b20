"""Heads that are one linear map: what they make of a mean is the mean of what they make of each."""

from __future__ import annotations

from torch import Tensor, nn

_LINEAR = (nn.Linear, nn.Identity, nn.Dropout)


def is_linear(*heads: nn.Module) -> bool:
    """Whether every head is linear (with or without bias), the identity, or a sequence of such."""
    return all(
        is_linear(*head) if isinstance(head, nn.Sequential) else isinstance(head, _LINEAR)
        for head in heads
    )


def linear_head(tokens: Tensor, *heads: nn.Module) -> Tensor:
    """Tokens (B, N, C) through heads that `is_linear`, one after the other: (B, N, D)."""
    for head in heads:
        tokens = head(tokens)
    return tokens
