"""What the trials say: one check a question, by paired tests on the same images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from zsrobust.attacks.health import SIGNS, MemberCount, diagnose
from zsrobust.records.paired import PairedTest, mcnemar
from zsrobust.selfcheck.plan import DECISIVE
from zsrobust.selfcheck.questions import Answers
from zsrobust.selfcheck.result import Check, Trial, Verdict

SIGNIFICANT = 0.01
ENOUGH = 2 * DECISIVE
"""With fewer attacked images, half of them could be masked and the test would not see it."""


def paired(ids: Sequence[str], one: Trial, other: Trial) -> PairedTest:
    """The exact McNemar test between what two attacks keep. only_a: what `one` alone keeps."""
    return mcnemar(_on(ids, one), _on(ids, other))


def _on(ids: Sequence[str], trial: Trial) -> dict[str, bool]:
    """What a trial keeps of the first images, by id."""
    return dict(zip(ids, trial.kept[: len(ids)], strict=True))


def check_curve(ids: Sequence[str], curve: Sequence[Trial]) -> Check:
    """Whether a larger radius ever keeps significantly more than a smaller one."""
    name = "larger eps, fewer kept"
    worst = Check(name, "fine", "never rises")
    for position, trial in enumerate(curve[1:], start=1):
        low = min(curve[:position], key=lambda before: sum(before.kept))
        test = paired(ids, trial, low)
        if test.only_a <= test.only_b or test.p_value >= (worst.p_value or 1.0):
            continue
        said = f"{sum(low.kept)} kept at {low.eps}, {sum(trial.kept)} at {trial.eps}"
        if test.p_value < SIGNIFICANT:
            worst = Check(name, "warning", said, "rises-with-eps", test.p_value)
        else:
            worst = Check(name, "fine", f"{said}: within chance", "", test.p_value)
    return worst


def check_whole_box(last: Trial, attacked: int) -> Check:
    """Whether anything is kept where the attacker may choose any image at all."""
    name, kept = f"nothing kept at {last.eps}", sum(last.kept)
    if not kept:
        return Check(name, "fine", f"0 of {attacked}")
    said = f"{kept} of {attacked} kept, though any other image is allowed there"
    return Check(name, "warning", said, "kept-in-whole-box")


def check_pair(
    name: str, ids: Sequence[str], one: Trial, other: Trial, attacked: int, flag: str
) -> Check:
    """Whether two attacks at one radius keep the same, as far as a paired test can tell."""
    said = f"{sum(one.kept)} and {sum(other.kept)} kept"
    if attacked < ENOUGH:
        return Check(name, "open", f"{said}: too few images to tell")
    test = paired(ids, one, other)
    if test.p_value < SIGNIFICANT:
        return Check(name, "warning", said, flag, test.p_value)
    return Check(name, "fine", said, "", test.p_value)


def check_precision(ids: Sequence[str], name: str, fp32: Trial, lower: Trial, moved: int) -> Check:
    """fp32 against a lower precision: a weaker attack is a note, a stronger one a sign.

    ids: the first of all ids, on which `lower` was run; none where it was not. moved: how many
    clean decisions differ, -1 where the logits overflow.
    """
    answers = f"{moved} clean answers differ" if moved else "same clean answers"
    if lower.fault or moved < 0:
        return Check(name, "note", "logits or gradients overflow: measure in fp32")
    if not ids:
        return Check(name, "open", f"{answers}; too slow here to attack in")
    one, other = _on(ids, lower), _on(ids, fp32)
    said = f"{answers}; {sum(one.values())} kept, fp32 {sum(other.values())} of {len(ids)}"
    test = mcnemar(one, other)
    silent = lower.flags.get("zero-gradient", 0)
    if silent > SIGNS["zero-gradient"].share * len(ids) and test.only_a >= test.only_b:
        said = f"{said}; {silent} zero gradients: measure in fp32"
        return Check(name, "note", said, "", test.p_value)
    if test.p_value >= SIGNIFICANT:
        return Check(name, "fine", said, "", test.p_value)
    if test.only_a > test.only_b:
        return Check(name, "note", f"{said}: weaker, measure in fp32", "", test.p_value)
    return Check(name, "warning", said, "low-precision-finds-more", test.p_value)


def check_square(gradient_kept: int, square: Trial, queries: int) -> Check:
    """Whether a search without gradients overturns what gradient attacks left standing."""
    name, broken = "Square after gradients", gradient_kept - sum(square.kept)
    if not gradient_kept:
        return Check(name, "fine", "gradient attacks left nothing to it")
    said = f"overturns {broken} of {gradient_kept} ({queries} queries)"
    members = (
        MemberCount("gradients", gradient_kept, 0), MemberCount("square", gradient_kept, broken)
    )  # fmt: skip
    signs = diagnose({}, gradient_kept, members)
    return Check(name, signs[0].level, said, signs[0].flag) if signs else Check(name, "fine", said)


def check_gradients(trials: Sequence[Trial], attacked: int) -> Check:
    """Zero gradients, no progress or pixels outside the ball, in any attack at one radius."""
    most: Counter[str] = Counter()
    for trial in trials:
        for flag, count in trial.flags.items():
            most[flag] = max(most[flag], count)
    own = {flag: most[flag] for flag in ("zero-gradient", "no-progress", "outside-ball")}
    signs = [each for each in diagnose(own, attacked) if each.level != "note"]
    signs.sort(key=lambda each: list(own).index(each.flag))
    name = "gradients"
    if signs:
        shown = ", ".join(f"{each.flag} on {own[each.flag]} of {attacked}" for each in signs)
        return Check(name, signs[0].level, shown, signs[0].flag)
    return Check(name, "fine", f"zero on {own['zero-gradient']} of {attacked} images")


def check_probes(answers: Answers) -> list[Check]:
    """Whether the model is a function of the image alone, and gives logits."""
    said, by_batch = set(answers.probed), answers.by_batch
    again, batches = "asked again", f"batch {', '.join(map(str, by_batch))}".strip()
    checks = [Check(again, "fine", "same logits")]
    for flag in ("randomised", "forwards-differ"):
        if flag in said:
            text = SIGNS[flag].says.partition(":")[0]
            checks = [Check(again, SIGNS[flag].level, text, flag)]
    moved = {size: count for size, count in by_batch.items() if count}
    if not by_batch:
        checks.append(Check("batch size", "open", "not to be judged where answers are random"))
    elif moved or "batch-dependent" in said:
        shown = ", ".join(f"{count} decisions differ at {size}" for size, count in moved.items())
        text = shown or "the logits of an image depend on its batch"
        checks.append(Check(batches, "invalid", text, "batch-dependent"))
    else:
        checks.append(Check(batches, "fine", "every decision the same"))
    if "probabilities" in said:
        text = "look like probabilities: pass logits, or losses saturate"
        checks.append(Check("outputs", "warning", text, "probabilities"))
    return checks


def check_faults(trials: Sequence[Trial]) -> list[Check]:
    """Attacks in fp32 that broke down on logits or gradients which are not finite."""
    faulty = [trial for trial in trials if trial.fault]
    if not faulty:
        return []
    where = ", ".join(dict.fromkeys(f"{trial.name} at {trial.eps}" for trial in faulty))
    return [Check("finite", "invalid", f"NaN or infinite in {where}", "not-finite")]


SHORT = {
    "rises-with-eps": "robustness rises with eps",
    "more-steps": "more steps and restarts change the result",
    "losses-disagree": "cross-entropy and margin disagree",
    "attacks-disagree": "PGD and APGD disagree",
    "square-breaks": "Square overturns what gradients leave",
    "low-precision-finds-more": "lower precision finds more",
    "zero-gradient": "zero gradients",
    "no-progress": "gradients point nowhere",
    "no-gradient": "no gradient",
    "outside-ball": "an attack left ball or box",
    "randomised": "randomised, and attacked without averaging",
    "forwards-differ": "forwards differ",
    "batch-dependent": "answers depend on the batch",
    "probabilities": "outputs are probabilities",
    "kept-in-whole-box": "images kept where any image is allowed",
}
_FIRST = ("randomised", "batch-dependent", "no-gradient", "zero-gradient")


def verdict(checks: Sequence[Check], attacked: int, collapsed: str | None) -> Verdict:
    """The one line. collapsed: why the model is, named before all else; None where it is not."""
    signs = [check for check in checks if check.is_sign]
    if collapsed:
        return Verdict("collapsed", f"collapsed: {collapsed.partition(';')[0]}")
    if any(check.flag == "not-finite" for check in signs):
        return Verdict("undecided", "undecided: logits or gradients are NaN or infinite")
    if signs:
        flags = sorted((c.flag for c in signs), key=lambda flag: flag not in _FIRST)
        return Verdict("masked", f"masked: {'; '.join(SHORT[f] for f in dict.fromkeys(flags))}")
    if attacked < ENOUGH:
        return Verdict(
            "undecided",
            f"undecided: n too small for the paired test ({attacked} images right when clean, "
            f"at least {ENOUGH} needed)",
        )
    return Verdict("clear", "no sign of masking")
