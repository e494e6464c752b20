import mpmath
import pytest
import torch

from zsrobust.objectives.divergences import (
    categorical_kl,
    dirichlet_kl,
    soft_cross_entropy,
    squared_l2,
)


def test_squared_l2_is_summed_over_dimensions_and_not_rooted():
    a, b = torch.randn(3, 8), torch.randn(3, 8)
    pairs = zip(a, b, strict=True)
    written = torch.tensor([sum((x - y) ** 2 for x, y in zip(*p, strict=True)) for p in pairs])
    assert torch.allclose(squared_l2(a, b), written, rtol=1e-5)


def test_categorical_kl_is_not_symmetric_and_zero_for_equal_logits():
    p, q = torch.randn(4, 5).double(), torch.randn(4, 5).double()
    one, other = p.softmax(1), q.softmax(1)
    assert torch.allclose(categorical_kl(p, q), (one * (one / other).log()).sum(1))
    assert torch.allclose(categorical_kl(q, p), (other * (other / one).log()).sum(1))
    assert torch.allclose(categorical_kl(p, p + 3), torch.zeros(4).double(), atol=1e-12)


def test_categorical_kl_stays_finite_where_a_probability_is_zero():
    sure = torch.tensor([[2000.0, 0.0]], requires_grad=True)
    other = torch.tensor([[0.0, 1.0]])
    apart = categorical_kl(sure, other)
    (gradient,) = torch.autograd.grad(apart.sum(), sure)
    assert apart.item() == pytest.approx(1.3132617)
    assert torch.isfinite(gradient).all()


def test_soft_cross_entropy_of_one_hot_targets_is_cross_entropy():
    logits, labels = torch.randn(4, 5), torch.tensor([0, 4, 2, 2])
    hot = torch.eye(5)[labels]
    expected = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    assert torch.allclose(soft_cross_entropy(hot, logits), expected)


def exact_dirichlet_kl(a, b):
    with mpmath.workdps(60):
        a, b = [mpmath.mpf(v) for v in a], [mpmath.mpf(v) for v in b]
        total = mpmath.loggamma(sum(a)) - mpmath.loggamma(sum(b))
        for x, y in zip(a, b, strict=True):
            total += mpmath.loggamma(y) - mpmath.loggamma(x)
            total += (x - y) * (mpmath.digamma(x) - mpmath.digamma(sum(a)))
        return float(total)


@pytest.mark.parametrize("size", [1.0, 1e4, 1e8, 1e12])
def test_dirichlet_kl_is_exact_to_1e_5_at_the_evidence_of_ucat(size):
    generator = torch.Generator().manual_seed(int(size) % 97)
    a = 1 + size * torch.rand(2, 20, generator=generator).double()
    b = 1 + size * torch.rand(2, 20, generator=generator).double()
    exact = [exact_dirichlet_kl(*rows) for rows in zip(a.tolist(), b.tolist(), strict=True)]
    assert dirichlet_kl(a, b).tolist() == pytest.approx(exact, rel=1e-5)
    assert dirichlet_kl(b, a).tolist() != pytest.approx(exact, rel=1e-2)


def test_dirichlet_kl_is_in_float64_whatever_comes_in_for_fp16_overflows_and_fp32_cancels():
    assert torch.tensor(1e6, dtype=torch.float16).isinf()
    a = torch.tensor([[3e7, 5e7, 2e7]])
    b = torch.tensor([[3.01e7, 4.99e7, 2e7]])
    exact = exact_dirichlet_kl(a[0].tolist(), b[0].tolist())
    ours = dirichlet_kl(a, b)
    assert ours.dtype == torch.float64
    assert ours.item() == pytest.approx(exact, rel=1e-5)
    single = (
        torch.lgamma(a.sum()) - torch.lgamma(b.sum()) + (torch.lgamma(b) - torch.lgamma(a)).sum()
        + ((a - b) * (torch.digamma(a) - torch.digamma(a.sum()))).sum()
    )  # fmt: skip
    assert single.item() != pytest.approx(exact, rel=0.1)


def test_dirichlet_kl_of_a_distribution_from_itself_is_exactly_zero():
    a = torch.rand(3, 4).double() * 1e12
    assert torch.equal(dirichlet_kl(a, a), torch.zeros(3).double())
