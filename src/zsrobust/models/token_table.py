"""Leaving out token rows that a small model's captions never use, and putting them back.

Most of a tiny CLIP is its 49,408-row token table. A trimmed file holds `<key>.rows` (int64, the
rows kept) and `<key>.kept` (their values); the rows left out come back as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zsrobust.errors import ModelError

TOKEN_TABLE = "token_embedding.weight"


def trim_token_table(state: dict[str, Tensor], rows: Sequence[int]) -> dict[str, Tensor]:
    """The state dict with only `rows` of the token table kept."""
    kept = torch.tensor(sorted(set(rows)), dtype=torch.int64)
    trimmed = {key: value for key, value in state.items() if key != TOKEN_TABLE}
    trimmed[f"{TOKEN_TABLE}.rows"] = kept
    trimmed[f"{TOKEN_TABLE}.kept"] = state[TOKEN_TABLE][kept].contiguous()
    return trimmed


def restore_token_table(state: dict[str, Tensor], vocab_size: int) -> dict[str, Tensor]:
    """The state dict with a whole token table of `vocab_size` rows; as it is if whole.

    Raises ModelError where the rows do not fit the table.
    """
    rows, kept = state.get(f"{TOKEN_TABLE}.rows"), state.get(f"{TOKEN_TABLE}.kept")
    if rows is None or kept is None:
        return state
    if len(rows) != len(kept) or (len(rows) and int(rows.max()) >= vocab_size):
        raise ModelError(
            f"the trimmed token table has {len(kept)} rows for {len(rows)} numbers, "
            f"which must lie below {vocab_size}."
        )
    table = torch.zeros(vocab_size, kept.shape[1], dtype=kept.dtype)
    table[rows] = kept
    marks = (f"{TOKEN_TABLE}.rows", f"{TOKEN_TABLE}.kept")
    restored = {key: value for key, value in state.items() if key not in marks}
    return restored | {TOKEN_TABLE: table}
