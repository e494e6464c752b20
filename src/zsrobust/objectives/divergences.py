"""Divergences between what two models say of the same images, per image and without reduction."""

from __future__ import annotations

import torch
from torch import Tensor


def squared_l2(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|^2, summed over dimensions: (B, D), (B, D) -> (B,)."""
    return (a - b).square().sum(dim=1)


def soft_cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """-sum_k target_k log softmax(logits)_k of targets that sum to one: (B, C), (B, C) -> (B,)."""
    return -(target * logits.log_softmax(dim=1)).sum(dim=1)


def categorical_kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(softmax(p) || softmax(q)) of two sets of logits: (B, C), (B, C) -> (B,)."""
    log_p, log_q = p.log_softmax(dim=1), q.log_softmax(dim=1)
    return (log_p.exp() * (log_p - log_q)).sum(dim=1)


def dirichlet_kl(a: Tensor, b: Tensor) -> Tensor:
    """KL(Dir(a) || Dir(b)) of concentrations above 0: (B, C), (B, C) -> (B,) float64.

    With a0 = sum a: lnG(a0) - sum lnG(a_k) - lnG(b0) + sum lnG(b_k)
    + sum (a_k - b_k)(psi(a_k) - psi(a0)). Always in float64: in UCAT the concentrations reach
    1e12, where fp16 has ended and the differences of log-gammas cancel to noise in fp32.
    """
    a, b = a.double(), b.double()
    whole_a, whole_b = a.sum(dim=1, keepdim=True), b.sum(dim=1, keepdim=True)
    normaliser = (torch.lgamma(whole_a) - torch.lgamma(whole_b)).squeeze(1)
    gammas = (torch.lgamma(b) - torch.lgamma(a)).sum(dim=1)
    mean_logs = torch.digamma(a) - torch.digamma(whole_a)
    return normaliser + gammas + ((a - b) * mean_logs).sum(dim=1)
