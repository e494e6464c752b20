import json

from zsrobust.training.log import FILE_NAME, LogLine, append_line, cut_log


def _logged(folder) -> list[int]:
    return [json.loads(text)["step"] for text in (folder / FILE_NAME).read_text().splitlines()]


def _log(folder, steps):
    for step in steps:
        append_line(folder, LogLine(step, 0.1, {"cross_entropy": 1.5}, 1.5, 10.0))


def test_a_line_says_step_rate_terms_total_and_speed(tmp_path):
    _log(tmp_path, [3])
    assert json.loads((tmp_path / FILE_NAME).read_text()) == {
        "step": 3,
        "lr": 0.1,
        "terms": {"cross_entropy": 1.5},
        "total": 1.5,
        "images_per_second": 10.0,
        "passes": {},
    }


def test_cutting_drops_the_steps_that_will_be_made_again(tmp_path):
    _log(tmp_path, range(5))
    cut_log(tmp_path, 3)
    assert _logged(tmp_path) == [0, 1, 2]


def test_a_line_that_a_kill_left_half_written_goes(tmp_path):
    _log(tmp_path, range(2))
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write('{"step": 2, "lr"')
    cut_log(tmp_path, 9)
    assert _logged(tmp_path) == [0, 1]


def test_without_a_log_there_is_nothing_to_cut(tmp_path):
    cut_log(tmp_path, 0)
    assert not (tmp_path / FILE_NAME).exists()
