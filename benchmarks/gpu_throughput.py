"""How close input gradients come to the hardware's own ceiling, by precision and compilation.

    python benchmarks/gpu_throughput.py                 # ViT-B-32 at 224 px, on CUDA
    python benchmarks/gpu_throughput.py --tiny          # a tiny model, wherever: does it run?

Random weights serve: the time of a step does not depend on them. A step is one forward and one
gradient in the pixels. The ceiling is a large product of square matrices in the same arithmetic.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.models.load import load_model
from zsrobust.testing.tiny_clip import tiny_clip

PRECISIONS = ("fp32", "tf32", "bf16")
CLASSES = 1000
HEADING = "| precision | compiled | images x steps a second | TFLOP/s | ceiling | reached |"


@dataclass(frozen=True)
class Setting:
    """What is timed: batches of `batch`, `steps` steps, matrices of `side` for the ceiling."""

    batch: int
    steps: int
    side: int


LARGE, SMALL = Setting(256, 20, 8192), Setting(4, 2, 128)


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Images x steps a second of input gradients.")
    parser.add_argument("--tiny", action="store_true", help="a tiny model, for trying out")
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not options.tiny:
        print("No CUDA device is present. To see that the script runs here: --tiny")
        return 2
    classifier = small_classifier() if options.tiny else large_classifier(device)
    setting = SMALL if options.tiny else LARGE
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}, batch {setting.batch}")
    for line in lines(classifier.to(device), setting, (False,) if options.no_compile else None):
        print(line, flush=True)
    return 0


def large_classifier(device: torch.device) -> ZeroShotClassifier:
    """ViT-B-32 at 224 px over 1000 classes, random weights."""
    import open_clip

    from zsrobust.models.model import Model

    clip, _, _ = open_clip.create_model_and_transforms("ViT-B-32", pretrained=None)
    model = Model(
        name="ViT-B-32 (random)",
        clip=clip.eval().to(device),
        tokenizer=open_clip.get_tokenizer("ViT-B-32"),
        image_size=224,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
        config=open_clip.get_model_config("ViT-B-32") or {},
        source="random weights",
    )
    return classifier_of(load_model(model, str(device)), _names(CLASSES))


def small_classifier() -> ZeroShotClassifier:
    """The tests' tiny CLIP over ten classes."""
    return classifier_of(tiny_clip(), _names(10))


def lines(
    classifier: ZeroShotClassifier, setting: Setting, compiled: tuple[bool, ...] | None = None
) -> Iterator[str]:
    """The table, line by line. compiled: which of eager and compiled are timed; default both."""
    yield HEADING
    yield "|" + " --- |" * HEADING.strip("|").count("|") + " --- |"
    device = classifier.class_embeddings.device
    size = classifier.input_size or 224
    pixels = torch.rand(setting.batch, 3, size, size, device=device)
    work = flops(classifier, pixels) / setting.batch
    for precision in PRECISIONS:
        if precision == "tf32" and device.type != "cuda":
            continue
        top = ceiling(precision, setting.side, device)
        for is_compiled in compiled or (False, True):
            tower: nn.Module = classifier
            if is_compiled:
                tower = torch.compile(classifier)  # type: ignore[assignment]
            rate = throughput(tower, pixels, setting.steps, precision)
            done = rate * work / 1e12
            yield (
                f"| {precision} | {'yes' if is_compiled else 'no'} | {rate:,.0f} | {done:.3g} "
                f"| {top:.3g} | {100 * done / top:.0f} % |"
            )


def throughput(classifier: nn.Module, pixels: Tensor, steps: int, precision: str) -> float:
    """Images x steps a second of forward and gradient in the pixels (B, 3, H, W)."""

    def step() -> None:
        variable = pixels.detach().requires_grad_()
        logits = classifier(variable).float()
        torch.autograd.grad(logits.logsumexp(1).sum(), variable)

    with arithmetic(precision, pixels.device):
        return len(pixels) / _seconds(step, steps, pixels.device)


def ceiling(precision: str, side: int, device: torch.device) -> float:
    """TFLOP/s of the product of two square matrices."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    one, other = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    with arithmetic("tf32" if precision == "tf32" else "fp32", device):
        return 2 * side**3 / _seconds(lambda: one @ other, 10, device) / 1e12


def flops(classifier: nn.Module, pixels: Tensor) -> int:
    """Floating point operations of one step on pixels: the forward's, counted by torch, twice.

    A gradient in the pixels alone repeats each product once, with the weights transposed.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        classifier(pixels)
    return 2 * int(counter.get_total_flops())


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """fp32 proper, fp32 by TF32 tensor cores, or bf16 autocast; put back afterwards."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _seconds(step: Callable[[], object], steps: int, device: torch.device) -> float:
    for _ in range(3):
        step()
    _wait(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    _wait(device)
    return (time.perf_counter() - start) / steps


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _names(count: int) -> list[str]:
    return [f"thing number {number}" for number in range(count)]


if __name__ == "__main__":
    sys.exit(main())
