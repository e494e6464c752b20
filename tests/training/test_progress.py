import io
import sys

from zsrobust.training.log import LogLine
from zsrobust.training.progress import watching


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _line(step: int) -> LogLine:
    terms = {"cross_entropy": 1.25, "attention_refinement": 0.5}
    return LogLine(step, 0.1, terms, 1.75, 321.0)


def test_where_no_terminal_is_a_line_comes_now_and_then(capsys):
    with watching("tecoa", steps=30, done=0) as watch:
        for step in range(30):
            watch(_line(step))
    out, said = capsys.readouterr()
    assert out == ""
    assert len(said.splitlines()) == 10
    assert said.splitlines()[0].startswith("tecoa  3/30")
    assert "cross entropy 1.250  attention refinement 0.500" in said


def test_the_last_step_is_always_said(capsys):
    with watching("tecoa", steps=11, done=10) as watch:
        watch(_line(10))
    assert capsys.readouterr().err.startswith("tecoa  11/11  0 s left  321 img/s")


def test_a_terminal_shows_steps_rate_and_each_term_by_name(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    with watching("tga-zsr", steps=5, done=3) as watch:
        watch(_line(3))
    shown = terminal.getvalue()
    assert "tga-zsr" in shown
    assert "4/5" in shown
    assert "321 img/s" in shown
    assert "attention refinement 0.500" in shown
