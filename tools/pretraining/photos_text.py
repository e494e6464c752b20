"""Training the text tower of `photos-mini` to reproduce the fixed text vectors.

Of these 384-d vectors it learns what the image tower can see: their part along the main directions
of image embeddings. A narrow tower wastes no width on the rest, which no image answers to.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor, nn
from torch.nn.functional import normalize

from tools.pretraining.photos_image import CONFIG, save_state
from tools.pretraining.photos_image import STATE as IMAGE_STATE
from tools.pretraining.photos_phrases import templates
from zsrobust.models.build import build_clip

CONTEXT = int(CONFIG["text_cfg"]["context_length"])  # type: ignore[index]
STATE = "text_state.pt"
DIRECTIONS = 128


@dataclass(frozen=True)
class TextPlan:
    """Steps of the text stage. A batch is `bare` phrases and as many within templates."""

    steps: int
    bare: int = 128
    lr: float = 2e-3
    warmup: int = 100
    central_share: float = 0.5
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step: warm-up, then a cosine to 0."""
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.lr * min((step + 1) / self.warmup, cosine + 1e-3)


@dataclass(frozen=True)
class Phrases:
    """Phrases, their unit vectors (N, 384), how many come first as central, and the templates.

    axes: (384, DIRECTIONS) orthonormal, the span in which the vectors lie.
    """

    phrases: Sequence[str]
    vectors: Tensor
    central: int
    templates: Sequence[str]
    axes: Tensor

    @classmethod
    def read(cls, folder: Path, data_root: Path) -> Phrases:
        """The phrases of the stage `texts`, their vectors brought into the images' span."""
        with np.load(folder / "phrases.npz") as file:
            phrases = [str(phrase) for phrase in file["phrases"]]
            vectors, central = torch.from_numpy(file["vectors"]), int(file["central"])
        axes = image_directions(folder / IMAGE_STATE)
        inside = normalize(vectors @ axes @ axes.T, dim=-1)
        return cls(phrases, inside, central, templates(data_root), axes)

    def token_rows(self) -> Tensor:
        """The sorted token ids (int64) that the phrases and templates can produce."""
        tokenizer = SimpleTokenizer(context_length=CONTEXT)
        texts = [*self.phrases, *(template.format("dog") for template in self.templates)]
        return torch.unique(tokenizer(texts))


def image_directions(state: Path) -> Tensor:
    """The main directions (384, DIRECTIONS) of the trained image tower's embeddings."""
    image = torch.load(state, weights_only=True)["average"]
    projection = image["visual.ln_post.weight"][:, None] * image["visual.proj"]
    _, _, rows = torch.linalg.svd(projection, full_matrices=False)
    return rows[:DIRECTIONS].T.contiguous()


class TextTower(nn.Module):
    """An open_clip text tower whose token table holds only `rows`, in rising order.

    The end-of-text token stays the largest, so open_clip's pooling finds it as before.
    """

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        config = copy.deepcopy(CONFIG)
        config["text_cfg"]["vocab_size"] = len(rows)  # type: ignore[index]
        self.clip = build_clip(config, "photos-mini")
        self.clip.visual = None
        self.rows = rows
        self.tokenizer = SimpleTokenizer(context_length=CONTEXT)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Unit embeddings (N, 384); padding, which causal attention never sees, is cut off."""
        tokens = self.tokenizer(list(texts))
        tokens = tokens[:, : int(tokens.argmax(1).max()) + 1]
        places = torch.searchsorted(self.rows, tokens.contiguous())
        clip, length = self.clip, places.shape[1]
        x = clip.token_embedding(places) + clip.positional_embedding[:length]
        x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask[:length, :length]))
        pooled = x[torch.arange(len(x)), places.argmax(1)]
        return normalize((pooled @ clip.text_projection).float(), dim=-1)


def train_text_tower(folder: Path, data_root: Path, plan: TextPlan, save: int = 250) -> None:
    """Trains to the end of the plan, or goes on where `text_state.pt` stands."""
    torch.manual_seed(plan.seed)
    phrases = Phrases.read(folder, data_root)
    rows = phrases.token_rows()
    tower = TextTower(rows)
    start_from_means(tower, phrases)
    optimizer = torch.optim.AdamW(
        tower.parameters(), lr=plan.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    step, path = 0, folder / STATE
    if path.exists():
        saved = torch.load(path, weights_only=True)
        tower.load_state_dict(saved["tower"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    began, first = time.time(), step
    while step < plan.steps:
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(step)
        cosines = _step(tower, optimizer, phrases, plan, step)
        step += 1
        if step % 50 == 0:
            left = (plan.steps - step) * (time.time() - began) / (step - first) / 60
            line = {"step": step, "of": plan.steps, "minutes_left": round(left, 1)} | cosines
            print(json.dumps(line), flush=True)
        if step % save == 0 or step == plan.steps:
            modules = {"tower": tower, "optimizer": optimizer}
            save_state(path, modules, {"step": step, "rows": rows})


@torch.no_grad()
def start_from_means(tower: TextTower, phrases: Phrases) -> None:
    """Starts every token at the mean vector of the phrases that hold it, as words mostly add up.

    The images' directions are the first coordinates of the token table; the text projection leads
    back from them.
    """
    clip, known = tower.clip, phrases.axes.shape[1]
    tokens = torch.searchsorted(tower.rows, tower.tokenizer(list(phrases.phrases)))
    seen, sums = torch.zeros(len(tower.rows), 1), torch.zeros(len(tower.rows), known)
    coordinates = phrases.vectors @ phrases.axes
    for column in tokens.T:
        sums.index_add_(0, column, coordinates)
        seen.index_add_(0, column, torch.ones(len(column), 1))
    means = normalize(sums / seen.clamp_min(1), dim=1)
    clip.token_embedding.weight[:, :known] += 0.5 * means
    clip.text_projection[:known] = phrases.axes.T


def _step(
    tower: TextTower,
    optimizer: torch.optim.Optimizer,
    phrases: Phrases,
    plan: TextPlan,
    step: int,
) -> dict[str, float]:
    draw = np.random.default_rng([plan.seed, step])
    central = int(plan.bare * plan.central_share)
    losses, cosines = [], {}
    for kind in ("bare", "templated"):
        chosen = np.concatenate(
            [
                draw.integers(0, phrases.central, central),
                draw.integers(0, len(phrases.phrases), plan.bare - central),
            ]
        )
        texts = [phrases.phrases[i] for i in chosen]
        if kind == "templated":
            forms = draw.integers(0, len(phrases.templates), len(texts))
            texts = [phrases.templates[f].format(t) for f, t in zip(forms, texts, strict=True)]
        with torch.autocast("cpu", torch.bfloat16):
            embedded = tower(texts)
        cosine = (embedded * phrases.vectors[chosen]).sum(1)
        losses.append((1 - cosine).mean())
        cosines[f"{kind}_central"] = round(cosine[:central].mean().item(), 3)
        cosines[f"{kind}_other"] = round(cosine[central:].mean().item(), 3)
    optimizer.zero_grad(set_to_none=True)
    torch.stack(losses).sum().backward()
    nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
    optimizer.step()
    return cosines


__all__ = ["STATE", "Phrases", "TextPlan", "TextTower", "train_text_tower"]
