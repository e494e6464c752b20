import json

import pytest
from tests.records.sample_runs import EPS, header, image, outcome

from zsrobust.errors import RunError
from zsrobust.records.header import write_header
from zsrobust.records.intervals import rate
from zsrobust.records.record import survives
from zsrobust.records.store import compact, records_folder, write_block
from zsrobust.records.summary import read_summary, summarise, summarise_run, write_summary

STRONG = 4 / 255


def cascade(eps, *predictions, label=0):
    """Two members; once one has won, the next does not run and carries its verdict."""
    first, second = predictions
    won = first != label
    return (
        outcome(first, eps=eps, name="apgd-ce", forwards=10, backwards=10),
        outcome(
            first if won else second,
            eps=eps,
            name="apgd-t",
            ran=not won,
            forwards=0 if won else 30,
            backwards=0 if won else 20,
            flags=() if won else ("plateau",),
        ),
    )


RECORDS = [
    image("a", 0, 0, *cascade(EPS, 0, 0), *cascade(STRONG, 1, 1)),
    image("b", 0, 0, *cascade(EPS, 0, 2), *cascade(STRONG, 2, 2)),
    image("c", 0, 0, *cascade(EPS, 1, 1), *cascade(STRONG, 0, 1)),
    image("d", 1, 2),
    image("e", 2, 2, *cascade(EPS, 2, 2, label=2), *cascade(STRONG, 2, 2, label=2)),
]


def test_clean_numbers_count_every_image():
    found = summarise(RECORDS)
    assert found.n == 5
    assert found.clean_accuracy == rate(4, 5)
    assert found.chance == 0.6
    assert (found.most_predicted, found.most_predicted_share) == (0, 0.6)
    assert found.norm == "linf"


def test_robust_accuracy_is_over_all_images_and_attack_success_over_those_right_when_clean():
    weak, strong = summarise(RECORDS).by_eps
    assert (weak.eps_text, strong.eps_text) == ("1/255", "4/255")
    assert weak.robust_accuracy == rate(2, 5)
    assert weak.attack_success_rate == rate(2, 4)
    assert strong.robust_accuracy == rate(1, 5)
    assert strong.attack_success_rate == rate(3, 4)


def test_robust_accuracy_counts_exactly_the_images_that_survive():
    for found in summarise(RECORDS).by_eps:
        alive = sum(survives(record, found.eps) for record in RECORDS)
        assert found.robust_accuracy == rate(alive, len(RECORDS))


def test_accuracy_after_each_member_is_cumulative():
    first, second = summarise(RECORDS).by_eps[0].members
    assert (first.name, first.ran, first.fooled) == ("apgd-ce", 4, 1)
    assert first.accuracy_after == rate(3, 5)
    assert (second.name, second.ran, second.fooled) == ("apgd-t", 3, 1)
    assert second.accuracy_after == rate(2, 5)
    assert second.attack_success_after == rate(2, 4)


def test_a_later_member_never_wins_an_image_back():
    records = [image("a", 0, 0, outcome(1, name="x"), outcome(0, name="y"))]
    first, second = summarise(records).by_eps[0].members
    assert first.accuracy_after == second.accuracy_after == rate(0, 1)
    assert second.fooled == 0


def test_flags_count_images_not_attacks_and_costs_are_means_over_all_images():
    weak = summarise(RECORDS).by_eps[0]
    assert weak.flags == {"plateau": 3}
    assert weak.forwards == (4 * 10 + 3 * 30) / 5
    assert weak.backwards == (4 * 10 + 3 * 20) / 5
    twice = [image("a", 0, 0, outcome(0, flags=("n", "n")), outcome(0, name="y", flags=("n",)))]
    assert summarise(twice).by_eps[0].flags == {"n": 1}


def test_a_run_without_labels_states_attack_success_and_no_accuracy():
    records = [record for record in RECORDS if record.id != "d"]
    found = summarise(records, labelled=False)
    assert found.clean_accuracy is None
    assert found.chance is None
    weak = found.by_eps[0]
    assert weak.robust_accuracy is None
    assert all(member.accuracy_after is None for member in weak.members)
    assert weak.attack_success_rate == rate(2, 4)
    assert [member.attack_success_after for member in weak.members] == [rate(1, 4), rate(2, 4)]
    assert "accuracy" not in (found.collapse_reason or "")


def test_labels_that_are_not_the_clean_predictions_are_refused_in_a_run_without_labels():
    with pytest.raises(RunError, match="not its clean predictions"):
        summarise(RECORDS, labelled=False)


def test_a_constant_model_is_called_collapsed_though_no_attack_overturns_it():
    records = [image(str(i), i % 2, 0, outcome(0)) for i in range(40)]
    found = summarise(records)
    assert found.by_eps[0].robust_accuracy == rate(20, 40)
    assert found.collapsed
    assert found.collapse_reason is not None
    assert "class 0 takes 100.0 %" in found.collapse_reason


def test_a_model_that_is_right_on_nothing_has_no_attack_success_rate():
    found = summarise([image("a", 0, 1, outcome(1, ran=False)), image("b", 1, 0)])
    assert found.by_eps[0].attack_success_rate is None
    assert found.by_eps[0].robust_accuracy == rate(0, 2)


def test_images_attacked_by_different_attacks_are_refused():
    with pytest.raises(RunError, match="'a' by pgd; 'b' by square"):
        summarise([image("a", 0, 0, outcome(0)), image("b", 0, 0, outcome(0, name="square"))])
    with pytest.raises(RunError, match="'b' by none"):
        summarise([image("a", 0, 0, outcome(0)), image("b", 0, 0)])


def test_two_norms_in_one_run_are_refused():
    with pytest.raises(RunError, match="l2, linf"):
        summarise([image("a", 0, 0, outcome(0), outcome(0, norm="l2"))])


def test_no_records_are_refused():
    with pytest.raises(RunError, match="No records"):
        summarise([])


def test_results_are_recomputed_from_the_records_on_disk_whether_or_not_compacted(tmp_path):
    write_header(tmp_path, header())
    folder = records_folder(tmp_path)
    write_block(folder, 0, RECORDS[:3])
    write_block(folder, 1, RECORDS[3:])
    assert summarise_run(tmp_path) == summarise(RECORDS)
    compact(folder)
    assert summarise_run(tmp_path) == summarise(RECORDS)


def test_the_label_faults_of_the_set_go_with_its_numbers(tmp_path):
    noted = header().dataset.model_copy(update={"notes": ("crane names two classes.",)})
    write_header(tmp_path, header(dataset=noted))
    write_block(records_folder(tmp_path), 0, RECORDS)
    assert summarise_run(tmp_path).notes == ("crane names two classes.",)


def test_results_come_back_from_disk_and_hold_plain_json(tmp_path):
    found = summarise(RECORDS)
    path = write_summary(tmp_path, found)
    assert read_summary(tmp_path) == found
    plain = json.loads(path.read_text())
    assert plain["by_eps"][0]["robust_accuracy"]["n"] == 5
    assert set(plain["clean_accuracy"]["interval"]) == {"low", "high"}


@pytest.mark.parametrize("content", [None, "{", '{"n": 5}'])
def test_results_that_cannot_be_read_are_named(tmp_path, content):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(RunError, match=r"results\.json: cannot be read"):
        read_summary(tmp_path)


def test_an_unknown_key_in_results_is_refused_at_any_depth(tmp_path):
    path = write_summary(tmp_path, summarise(RECORDS))
    plain = json.loads(path.read_text())
    plain["clean_accuracy"]["typed_in"] = 1
    path.write_text(json.dumps(plain))
    with pytest.raises(RunError):
        read_summary(tmp_path)
