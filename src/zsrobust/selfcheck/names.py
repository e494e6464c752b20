"""The names of a self-check's trials, and what tables call them."""

from __future__ import annotations

CURVE = "pgd-ce+margin"
PGD_CE, PGD_MARGIN, APGD_CE, APGD_DLR = "pgd-ce", "pgd-margin", "apgd-ce", "apgd-dlr"
MORE, SQUARE, BF16, FP16 = "pgd-more", "square", "bf16", "fp16-unscaled"

TITLES = {
    PGD_CE: "PGD, cross-entropy",
    PGD_MARGIN: "PGD, margin",
    MORE: "PGD, margin, more steps",
    APGD_CE: "APGD, cross-entropy",
    APGD_DLR: "APGD, DLR",
    SQUARE: "Square, on what is left",
}
"""Of the trials that attack every image, in the order of tables."""
