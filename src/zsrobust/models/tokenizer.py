"""The tokenizer that a model's text tower was trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from zsrobust.errors import ModelError
from zsrobust.models.build import INSTALL_TRANSFORMERS


def tokenizer_for(name: str) -> Callable[[Sequence[str]], Tensor]:
    """Texts -> (N, context length) int64, as open_clip knows it for `name`.

    name: an open_clip architecture, `hf-hub:ORG/NAME` or `local-dir:DIR`. Context length and
    cleaning are the config's. Raises ModelError in one line where the tokenizer needs the package
    `transformers`, or files of the hub that cannot be had.
    """
    import open_clip

    try:
        tokenizer: Callable[[Sequence[str]], Tensor] = open_clip.get_tokenizer(name)
    except ImportError as error:
        raise ModelError(
            f"{name}: its tokenizer needs the package '{error.name or 'transformers'}': "
            f"{INSTALL_TRANSFORMERS}."
        ) from None
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{name}: its tokenizer could not be loaded ({reason}).") from None
    return tokenizer
