"""Class names to unit vectors: the weights of a zero-shot classifier."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from zsrobust.classifier.kept_embeddings import kept_embeddings
from zsrobust.errors import InputError
from zsrobust.models.model import Model

_CACHE: WeakKeyDictionary[nn.Module, dict[tuple[tuple[str, ...], tuple[str, ...]], Tensor]] = (
    WeakKeyDictionary()
)
_TEXTS_AT_ONCE = 256


def embed_classes(model: Model, classes: Sequence[str], templates: Sequence[str]) -> Tensor:
    """Unit class embeddings (C, D): mean of normalised template embeddings, renormalised.

    Computed once per text tower, names and templates, without gradient, and where they are many
    kept on disk (`kept_embeddings`). open_clip's own builder
    relies on the model to normalise before averaging; here it is done explicitly.
    Raises InputError for an empty list of classes or a template without `{}`.
    """
    check_prompts(classes, templates)
    known = _CACHE.setdefault(model.clip, {})
    key = (tuple(classes), tuple(templates))
    if key not in known:
        texts = [template.format(name) for name in classes for template in templates]
        tokens = tokenised(model, texts)

        def embed() -> Tensor:
            embeddings = embed_tokens(model, tokens).view(len(classes), len(templates), -1)
            return normalize(embeddings.mean(1), dim=-1)

        known[key] = kept_embeddings(model, tokens, embed)
    return known[key].to(model.device)


def embed_texts(model: Model, texts: Sequence[str]) -> Tensor:
    """Unit embeddings (N, D) of whole sentences, on the model's device."""
    return embed_tokens(model, tokenised(model, texts))


def tokenised(model: Model, texts: Sequence[str]) -> Tensor:
    """Tokens (N, L) of whole sentences, int64, on the CPU."""
    return torch.cat(
        [
            model.tokenizer(list(texts[start : start + _TEXTS_AT_ONCE]))
            for start in range(0, len(texts), _TEXTS_AT_ONCE)
        ]
    )


@torch.no_grad()
def embed_tokens(model: Model, tokens: Tensor) -> Tensor:
    """Unit embeddings (N, D) of tokens (N, L), on the model's device."""
    return torch.cat(
        [
            normalize(model.clip.encode_text(part.to(model.device)).float(), dim=-1)  # type: ignore[operator]
            for part in torch.split(tokens, _TEXTS_AT_ONCE)
        ]
    )


def check_prompts(classes: Sequence[str], templates: Sequence[str]) -> None:
    """Raises InputError unless there are classes, none empty, and each template has one `{}`."""
    if not classes:
        raise InputError("The list of classes is empty. Name at least two classes.")
    if any(not name.strip() for name in classes):
        position = next(i for i, name in enumerate(classes) if not name.strip())
        raise InputError(f"Class {position} has an empty name. Every class needs a name.")
    if not templates:
        raise InputError("The list of templates is empty. A plain one is 'a photo of a {}.'.")
    for template in templates:
        if template.count("{}") != 1:
            raise InputError(f"Template {template!r} must hold '{{}}' once, where the name goes.")


def refuse_duplicates(classes: Sequence[str]) -> None:
    """Raises InputError naming the classes that were typed twice."""
    twice = sorted({name for name in classes if list(classes).count(name) > 1})
    if twice:
        raise InputError(f"Class names must differ; given twice: {', '.join(twice)}.")


def check_classes(called: str, classes: Sequence[str], *, typed: bool) -> None:
    """Raises InputError unless there are two classes, which differ where a user `typed` them.

    called: the set whose classes they are. (Some public sets have one name for two classes.)
    """
    if typed:
        refuse_duplicates(classes)
    if not classes:
        raise InputError(f"{called} has no class names: there is nothing to tell apart.")
    if len(classes) < 2:
        raise InputError(f"{called} has {len(classes)} class. Name at least two.")


def coinciding_classes(
    class_embeddings: Tensor, classes: Sequence[str], tolerance: float = 1e-6
) -> tuple[tuple[str, str], ...]:
    """Pairs of classes whose embeddings coincide: their ties cost accuracy silently.

    class_embeddings: (C, D), unit. tolerance: on 1 - cosine.
    """
    cosines = class_embeddings @ class_embeddings.T
    pairs = torch.nonzero(torch.triu(cosines > 1 - tolerance, diagonal=1)).tolist()
    return tuple((classes[first], classes[second]) for first, second in pairs)
