import json

import pytest
from tests.data.small_sets import picture, write_photos

from zsrobust.attacks.batches import BLOCK
from zsrobust.errors import RunError, RunFolderError, UnreadableImageError
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.records.header import read_header
from zsrobust.records.store import read_records, records_folder
from zsrobust.records.unreadable import read_unreadable
from zsrobust.verification.finished_run import open_run

BROKEN = ("blue_car/1.png", "red_car/0.png")


@pytest.fixture
def photos(tmp_path):
    """Six photos, two of them broken."""
    folder = write_photos(tmp_path / "photos")
    for name in BROKEN:
        (folder / name).write_bytes(b"no picture")
    return folder


def measured(photos, tmp_path, **options):
    return evaluate("scenes-tiny", photos, "clean", tmp_path / "runs", device="cpu", **options)


def test_an_unreadable_image_stops_the_run_and_the_error_says_how_to_go_on(photos, tmp_path):
    with pytest.raises(UnreadableImageError, match=r"car/\d\.png: not a read.*--unreadable record"):
        measured(photos, tmp_path)


def test_recorded_ones_are_in_no_number_and_said_beside_each(photos, tmp_path):
    run = measured(photos, tmp_path, unreadable="record")
    assert (run.summary.n, run.summary.unreadable, run.summary.clean_accuracy.n) == (4, 2, 4)
    records = records_folder(run.path)
    assert {record.id for record in read_records(records)}.isdisjoint(BROKEN)
    left_out = read_unreadable(records)
    assert {image.id for image in left_out} == set(BROKEN)
    assert all(image.id in image.reason for image in left_out)
    header = run.header
    assert header == read_header(run.path)
    assert header.dataset.n == 6
    (said,) = header.warnings
    assert said.startswith("2 of 6 images cannot be read and are left out of every number: ")
    assert json.loads((run.path / "results.json").read_text())["unreadable"] == 2
    again = measured(photos, tmp_path, unreadable="record")
    assert (again.summary, again.header.warnings) == (run.summary, (said,))


def test_the_warning_stands_in_the_printed_table(photos, tmp_path, capsys):
    from zsrobust.report.cells import read_cell
    from zsrobust.report.results_table import print_terminal

    run = measured(photos, tmp_path, unreadable="record")
    print_terminal([read_cell(run.path)])
    assert "2 of 6 images cannot be read" in " ".join(capsys.readouterr().out.split())


def test_the_others_are_measured_as_if_the_broken_ones_were_not_there(photos, tmp_path):
    run = measured(photos, tmp_path, unreadable="record")
    for name in BROKEN:
        (photos / name).unlink()
    alone = evaluate("scenes-tiny", photos, "clean", tmp_path / "others", device="cpu")
    both = [
        [(r.id, r.label, r.clean_prediction) for r in read_records(records_folder(one.path))]
        for one in (run, alone)
    ]
    assert both[0] == both[1]


def test_an_image_mended_before_its_block_is_finished_is_measured(photos, tmp_path):
    run = measured(photos, tmp_path, unreadable="record")
    for file in records_folder(run.path).glob("*.parquet"):
        file.unlink()
    for name in BROKEN:
        picture(7).save(photos / name)
    mended = measured(photos, tmp_path)
    assert (mended.summary.n, mended.summary.unreadable) == (6, 0)


def test_a_run_without_one_readable_image_has_no_summary(tmp_path):
    folder = write_photos(tmp_path / "photos", count=1)
    for file in folder.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(RunError, match=r"none of its images can be read \(.*\.png"):
        measured(folder, tmp_path, unreadable="record")


def test_a_whole_block_may_be_unreadable(tmp_path):
    folder = tmp_path / "photos"
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for i in range(BLOCK // 2 + 2):
            picture(i, (8, 8)).save(folder / label / f"{i}.png")
    from zsrobust.data.catalogue import load_dataset

    for name in load_dataset(folder).ids[:BLOCK]:
        (folder / name).write_bytes(b"")
    run = measured(folder, tmp_path, unreadable="record")
    assert (run.summary.n, run.summary.unreadable) == (4, BLOCK)


def test_a_damaged_list_of_unreadable_images_is_named(photos, tmp_path):
    run = measured(photos, tmp_path, unreadable="record")
    (records_folder(run.path) / "unreadable-00000.json").write_text("{")
    with pytest.raises(RunError, match=r"unreadable-00000\.json: cannot be read"):
        read_unreadable(records_folder(run.path))


def test_a_run_with_unreadable_images_cannot_be_verified(photos, tmp_path):
    run = measured(photos, tmp_path, unreadable="record")
    with pytest.raises(RunFolderError, match="2 images could not be read"):
        open_run(run.path)
