"""A self-check as a page and as a table on a terminal."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from zsrobust.report.selfcheck_page import render_selfcheck, write_selfcheck
from zsrobust.report.selfcheck_table import print_selfcheck
from zsrobust.selfcheck.plan import Plan
from zsrobust.selfcheck.result import Check, SelfCheck, Trial, Verdict


def trial(name, eps, kept):
    return Trial(name, eps, tuple(i < kept for i in range(20)), {}, 1.0)


def selfcheck(kind="masked", line="masked: zero gradients", **more):
    fields = {
        "model": "mine", "dataset": "<photos>", "command": "zsrobust selfcheck ...",
        "created": datetime(2026, 1, 1, tzinfo=UTC), "plan": Plan(n=20), "seed": 0,
        "estimate": 30.0, "seconds": 21.0, "labelled": True, "chance": 0.25,
        "ids": tuple(map(str, range(20))), "right": tuple(i < 18 for i in range(20)),
        "eps": "4/255", "close_eps": "4/255",
        "curve": (trial("clean", "0", 18), trial("pgd", "4/255", 9), trial("pgd", "255/255", 1)),
        "looks": (trial("pgd-ce", "4/255", 12), trial("square", "4/255", 9)),
        "checks": (
            Check("gradients", "warning", "zero-gradient on 9 of 18", "zero-gradient"),
            Check("PGD: CE, margin", "fine", "9 and 9 kept", "", 1.0),
        ),
        "verdict": Verdict(kind, line), "device": "cpu", "threads": 1, "versions": {"torch": "2"},
    }  # fmt: skip
    return SelfCheck(**fields | more)


def test_the_page_leads_with_the_verdict_and_shows_curve_and_checks():
    page = render_selfcheck(selfcheck())
    assert "<h1>Masked</h1>" in page and "Zero gradients." in page
    assert page.count("<svg") == 2
    assert "zero-gradient on 9 of 18" in page and "tag bad" in page
    assert "mine on &lt;photos&gt;: 20 images, 18 right when clean" in page


def test_the_page_is_one_file_and_the_same_bytes_every_time(tmp_path):
    path = write_selfcheck(tmp_path, selfcheck())
    page = path.read_text()
    assert page == render_selfcheck(selfcheck())
    assert "<script" not in page and 'src="' not in page and "<link" not in page


def test_a_collapsed_model_has_a_curve_but_no_attacks_to_compare():
    page = render_selfcheck(selfcheck("collapsed", "collapsed: one class", looks=()))
    assert "<h1>Collapsed</h1>" in page
    assert page.count("<svg") == 1


def test_a_model_without_gradient_has_no_curve_to_draw():
    alone = (trial("square", "4/255", 9),)
    page = render_selfcheck(selfcheck(curve=(trial("clean", "0", 18),), looks=alone))
    assert "<svg" not in page and "<h2>Checks</h2>" in page


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_fits_the_terminal(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    print_selfcheck(selfcheck())
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= min(width, 96)
    assert lines[-1] == "masked: zero gradients"
    assert any("255" in line and "5.0" in line for line in lines)
    assert any("! gradients" in line for line in lines)


def test_neither_imports_torch():
    code = (
        "import sys, zsrobust.report.selfcheck_page, zsrobust.report.selfcheck_table;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
