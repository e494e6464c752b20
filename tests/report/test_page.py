import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from tests.report.sample_runs import (
    STORY,
    header,
    write_attention,
    write_cell,
    write_first_light,
    write_training,
)

from zsrobust.errors import RunError, RunFolderError
from zsrobust.records.header import read_header, write_header
from zsrobust.report.cells import read_cell, read_cells
from zsrobust.report.page import render, write_page


@pytest.fixture(scope="module")
def first_light(tmp_path_factory):
    return write_first_light(tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="module")
def page(first_light):
    return write_page(first_light, story=STORY).read_text(encoding="utf-8")


class Elements(HTMLParser):
    """Every element of a page, and the ids that it gives."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def words(page: str) -> str:
    """What a reader sees, with plain spaces."""
    shown = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.S).replace("\xa0", " ")
    return re.sub(r"\s+", " ", shown)


def cell_of(folder, model):
    return next(folder.glob(f"**/{model}--*"))


def test_nothing_is_fetched_and_nothing_runs(page):
    elements = Elements(page).found
    assert not {tag for tag, _ in elements} & {"script", "link", "iframe", "object", "embed"}
    for _, attributes in elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "src", "xlink:href", "action"):
                assert value.startswith(("#", "data:image/"))
    assert "http" not in page and "url(" not in page.replace("url(#", "")
    assert "@import" not in page


def test_the_page_is_small_enough_to_send(page):
    assert 100_000 < len(page) < 500_000


def test_every_link_within_the_page_has_its_end_and_no_id_stands_twice(page):
    elements = Elements(page).found
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    ends = {
        value[1:]
        for _, attributes in elements
        for name, value in attributes.items()
        if name in ("href", "xlink:href") and value.startswith("#")
    }
    assert ends <= set(ids)
    named = [name for name in ids if name.startswith(("picture-", "note-"))]
    assert len(set(named)) == len(named)


def test_all_sections_stand_on_the_page_of_first_light(page):
    said = words(page)
    for title in (
        "What was done", "Results", "What robustness costs", "Where the model looks",
        "How far attention moves", "How much of it stays on the object", "The fine-tuning",
        "How to read the numbers", "To bear in mind", "Make it again",
    ):  # fmt: skip
        assert title in said
    assert "zsrobust quickstart" in said
    assert "nothing here says anything about OpenAI's CLIP" in said
    assert "What it took: 4.8 minutes" in said


def test_the_headline_is_computed_over_the_tasks_that_nothing_was_tuned_on(page, first_light):
    cells = [c for c in read_cells(first_light) if c.dataset != "scenes-shapes"]

    def means(model):
        its = [c.summary for c in cells if c.model == model]
        clean = sum(s.clean_accuracy.value for s in its) / len(its)
        return clean, sum(s.by_eps[0].robust_accuracy.value for s in its) / len(its)

    clean, robust = means("scenes-tiny")
    said = words(page)
    assert (
        f"A change of at most 4/255 takes the undefended model from {100 * clean:.0f} % right "
        f"answers to {100 * robust:.0f} %; "
        f"TeCoA keeps {100 * means('tecoa')[1]:.0f} %, TGA-ZSR keeps "
    ) in said
    cost = clean - means("tga-zsr")[0]
    kept = f"Keeps {100 * means('tga-zsr')[1]:.0f} % under attack for {100 * cost:.0f} points"
    assert kept in said
    assert "on 5 of 6 tasks. Collapsed on scenes-textures." in said


def test_a_protocol_is_described_once_however_much_each_run_spent(page, first_light):
    spent = {cell.summary.by_eps[0].backwards for cell in read_cells(first_light)}
    assert len(spent) > 1
    assert words(page).count("Protocol pgd-20-eps4:") == 1


def test_a_changed_record_changes_the_page(tmp_path):
    write_cell(tmp_path / "a", header("m", "scenes-colours", 100), 90, 10)
    write_cell(tmp_path / "b", header("m", "scenes-colours", 100), 90, 37)
    one, other = words(render(tmp_path / "a")), words(render(tmp_path / "b"))
    assert "10.0 6–17" in one and "10.0 6–17" not in other
    assert "37.0 28–47" in other
    assert "from 90 % right answers to 37 %" in other


def test_the_same_runs_give_the_same_bytes(first_light, tmp_path):
    first = write_page(first_light, tmp_path / "one.html", STORY).read_bytes()
    assert write_page(first_light, tmp_path / "two.html", STORY).read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.html", "two.html"]


def test_a_collapsed_model_is_marked_and_the_class_named(page):
    said = words(page)
    assert said.count(" collapsed ") >= 1
    assert (
        "TeCoA on scenes-textures has collapsed: &quot;solid&quot; takes 100.0 %"
        in said.replace('"', "&quot;").replace("&#34;", "&quot;")
    )
    row = next(r for r in page.split("<tr>") if "collapsed</span>" in r)
    assert "above both" not in row and 'class="mark"' in row


def test_robust_accuracy_that_is_not_above_chance_is_marked(page):
    row = next(r for r in page.split("<tr>") if "undefended" in r and "0.0<span" in r)
    assert "not above chance" in row and "weak" in row


def test_warnings_stand_beside_the_number_and_below_the_table(tmp_path):
    warned = header("m", "scenes-colours", 40, warnings=("The canary sings at 8/255.",))
    write_cell(tmp_path, warned, 90, 10)
    made = render(tmp_path)
    assert '<a class="mark" href="#note-1">1</a>' in made
    assert '<li id="note-1">The canary sings at 8/255.</li>' in made


def test_the_tuned_on_task_comes_first_and_is_tagged(page):
    heads = re.findall(r'<tr class="task"><th[^>]*>(.*?)</th>', page)
    assert heads[0].startswith("scenes-shapes") and "fine-tuned on" in heads[0]
    assert not any("fine-tuned on" in head for head in heads[1:])


def test_one_run_alone_makes_a_page_without_the_sections_it_has_no_data_for(tmp_path):
    run = write_cell(tmp_path, header("m", "scenes-colours", 40), 90, 10)
    said = words(write_page(run).read_text(encoding="utf-8"))
    assert "1 model answered 1 task, 40 images each." in said
    for absent in ("Where the model looks", "How far", "The fine-tuning", "To bear in mind"):
        assert absent not in said
    assert "OpenAI" not in said and "What it took" not in said


def test_several_radii_get_a_line_each(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, ("1/255", "4/255")), 90, 10)
    made = render(tmp_path)
    assert 'data-is="eps">1/255' in made and 'data-is="eps">4/255' in made
    assert "at most 1/255 and 4/255" in words(made)


def test_a_protocol_without_attack_gives_clean_accuracy_alone(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, ()), 90, 10)
    said = words(render(tmp_path))
    assert "90.0" in said
    assert "What robustness costs" not in said and "A change of at most" not in said


def test_images_without_labels_get_an_attack_success_rate_and_no_accuracy(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, labelled=False), 100, 25)
    said = words(render(tmp_path))
    assert "Attack success rate" in said and "75.0" in said
    assert "What robustness costs" not in said and "Results" not in said


def test_a_folder_of_many_runs_makes_a_page(tmp_path):
    for i in range(50):
        task = header("m", "scenes-colours", 10, class_names=("a", "b"))
        renamed = task.dataset.model_copy(update={"name": f"task-{i:02}"})
        write_cell(tmp_path, task.model_copy(update={"dataset": renamed}), 90, i)
    said = words(render(tmp_path))
    assert "1 model answered 50 tasks" in said and "task-49" in said


def test_without_a_story_the_runs_tell_which_model_was_tuned_on_what(first_light):
    made = render(first_light)
    said = words(made)
    assert "takes scenes-tiny from 92 % right answers" in said
    assert "tecoa is scenes-tiny, fine-tuned for 150 steps on scenes-shapes" in said
    assert "zsrobust train tecoa-quick" in said


def test_models_that_nothing_was_trained_from_are_not_called_defences(tmp_path):
    for model, robust in (("a", 10), ("b", 40)):
        write_cell(tmp_path, header(model, "scenes-colours", 60), 90, robust)
    said = words(render(tmp_path))
    assert "Keeps" not in said and "above both" not in said


def test_means_are_taken_over_the_tasks_that_all_models_share(tmp_path):
    write_cell(tmp_path, header("base", "scenes-colours", 60), 90, 0)
    write_cell(tmp_path, header("base", "scenes-heldout", 60), 50, 0)
    write_cell(tmp_path, header("tuned", "scenes-colours", 60), 80, 40)
    write_training(tmp_path, "tuned")
    said = words(render(tmp_path))
    assert "takes base from 90 % right answers to 0 %" in said
    assert "for 10 points of clean accuracy" in said
    assert "1 task that not all models share left out" in said


def test_a_models_name_from_a_file_cannot_write_into_the_page(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, notes=("<script>x</script>",)), 90, 10)
    assert "<script>" not in render(tmp_path)


def test_attention_without_masks_leaves_the_mask_table_out(tmp_path):
    run = write_cell(tmp_path, header("m", "scenes-heldout", 40), 90, 10)
    write_attention(run, "scenes-heldout", 0.5, masks=False)
    said = words(render(tmp_path))
    assert "How far attention moves" in said and "stays on the object" not in said


def test_attention_of_one_image_has_no_interval(tmp_path):
    run = write_cell(tmp_path, header("m", "scenes-heldout", 40), 90, 10)
    write_attention(run, "scenes-heldout", 0.5, n=1, masks=False)
    made = words(render(tmp_path))
    assert "How far attention moves" in made and "nan" not in made and " ± 1.96" in made


def test_an_empty_folder_is_one_clear_error(tmp_path):
    with pytest.raises(RunFolderError, match="no finished run here"):
        write_page(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_broken_results_file_is_named(tmp_path):
    run = write_cell(tmp_path, header("m", "scenes-colours", 40), 90, 10)
    (run / "results.json").write_text('{"n": 40')
    with pytest.raises(RunError, match=r"results\.json"):
        write_page(tmp_path)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", ["figures/attention.npz", "log.jsonl"])
def test_a_damaged_file_of_a_run_is_named(tmp_path, name):
    run = write_cell(tmp_path / "runs", header("m", "scenes-heldout", 40), 90, 10)
    write_attention(run, "scenes-heldout", 0.5)
    training = write_training(tmp_path, "tuned", steps=3)
    broken = (run if name.startswith("figures") else training) / name
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2] + b"\n")
    with pytest.raises(RunError, match=re.escape(broken.name)):
        render(tmp_path)


def test_a_run_that_has_not_finished_is_passed_over(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40), 90, 10)
    half = write_cell(tmp_path, header("late", "scenes-colours", 40), 90, 10)
    (half / "results.json").unlink()
    assert [cell.model for cell in read_cells(tmp_path)] == ["m"]
    assert "late" not in words(render(tmp_path))


def test_a_cell_is_read_as_it_was_written(tmp_path):
    run = write_cell(tmp_path, header("m", "scenes-colours", 40), 90, 10)
    cell = read_cell(run)
    assert (cell.model, cell.dataset, cell.summary.n) == ("m", "scenes-colours", 40)
    write_header(run, read_header(run).model_copy(update={"seed": 3}))
    assert read_cell(run).header.seed == 3


def test_a_page_is_written_without_torch(first_light, tmp_path):
    program = (
        "import sys; from pathlib import Path; from zsrobust.report.page import write_page\n"
        "from zsrobust.report.results_table import print_terminal\n"
        f"write_page(Path({str(first_light)!r}), Path({str(tmp_path / 'x.html')!r}))\n"
        "assert not {'torch', 'open_clip', 'datasets'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
