import json
import re

import pytest
from tests.report.sample_runs import write_training

from zsrobust.errors import RunError
from zsrobust.report.cells import read_trainings
from zsrobust.report.page import write_page
from zsrobust.report.training_log import read_training_log


@pytest.fixture
def folder(tmp_path):
    run = write_training(tmp_path, "tuned", steps=20)
    with (run / "validation.jsonl").open("w") as file:
        for step, clean, robust in ((10, 0.8, 0.3), (20, 0.7, 0.2)):
            part = {"clean": clean, "robust": robust, "n": 10}
            seen = {"clean": 0.9, "robust": robust + 0.3, "n": 10}
            line = {"step": step, "score": (clean + robust) / 2, "validation": part}
            file.write(json.dumps({**line, "training": seen}) + "\n")
    return tmp_path


def test_a_training_alone_has_a_page_of_terms_rate_and_accuracies(folder):
    page = write_page(folder).read_text()
    assert page.count("<svg") == 3
    for words in ("learning rate", "clean, held out", "robust, trained on", "zsrobust train tuned"):
        assert words in page
    assert re.search(r"after 10 steps, the best mean", page)
    assert "80.0" in page
    assert "49–94" in page  # Wilson, 8 of 10
    assert not re.search(r"<(script|link|img)", page)
    assert write_page(folder).read_text() == page


def test_without_validations_the_page_has_terms_and_rate(tmp_path):
    write_training(tmp_path, "tuned", steps=5)
    page = write_page(tmp_path).read_text()
    assert page.count("<svg") == 2
    assert "Validations" not in page


def test_the_first_of_the_best_validations_is_the_one_that_is_kept(folder):
    (training,) = read_trainings(folder)
    log = read_training_log(training)
    assert log.best.step == 10
    assert log.best.robust["training"].value == pytest.approx(0.6)


def test_a_damaged_log_is_named(folder):
    (training,) = read_trainings(folder)
    (training.path / "validation.jsonl").write_text('{"step": 1}\n')
    with pytest.raises(RunError, match="not a training log"):
        write_page(folder)
