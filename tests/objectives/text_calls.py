"""Counts how often an objective asks the text tower."""

from collections.abc import Iterator
from contextlib import contextmanager

from zsrobust.classifier.zero_shot import ZeroShotClassifier


@contextmanager
def counting_texts(classifier: ZeroShotClassifier) -> Iterator[list[int]]:
    """A list that grows by the number of texts of each call inside."""
    calls: list[int] = []

    def heard(_module, inputs, _output):
        calls.append(len(inputs[0]))

    hook = classifier.model.clip.transformer.register_forward_hook(heard)
    yield calls
    hook.remove()
