import json

import pytest
from tests.data.small_sets import encoded, members, picture, write_cifar10, write_photos, write_tar

from zsrobust.cli.main import main
from zsrobust.data.check import check_dataset
from zsrobust.data.check_words import conclusion_of, lines_of
from zsrobust.data.columns import Column
from zsrobust.errors import DataError


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos")


def words(report):
    return {subject: said for subject, said in lines_of(report) if subject}


def test_a_sound_folder_is_said_to_be_so(photos):
    report = check_dataset(photos)
    assert report.sound and not report.remarks
    assert (report.n, report.variant, report.classes) == (6, "user", 2)
    assert (report.per_class.least, report.per_class.median, report.per_class.most) == (3, 3, 3)
    assert report.images.smallest == report.images.largest == (12, 9)
    said = words(report)
    assert said["classes"] == "2, 3 images each"
    assert said["decoded"] == "every image: all can be read; 12 x 9 pixels"
    assert said["duplicates"].startswith("none")
    assert "a photo of a blue car." in said["prompts"]
    assert conclusion_of(report) == "Sound: nothing is wrong."


def test_every_unreadable_image_is_named_and_is_wrong(photos):
    (photos / "red_car" / "0.png").write_bytes(b"no picture")
    whole = (photos / "blue_car" / "2.png").read_bytes()
    (photos / "blue_car" / "2.png").write_bytes(whole[: len(whole) // 2])
    report = check_dataset(photos)
    assert not report.sound
    assert report.faults == ("2 of 6 images cannot be read.",)
    assert any("red_car/0.png" in reason for reason in report.images.unreadable)
    assert any("blue_car/2.png" in reason for reason in report.images.unreadable)
    assert conclusion_of(report) == "Not sound: 1 thing is wrong."


def test_a_fault_in_an_archive_is_named_by_shard_member_and_row(tmp_path):
    write_cifar10(tmp_path)
    good = list(members(6, 6))
    broken = [(n, b"x" if n == "s0000010.png" else c) for n, c in good]
    write_tar(tmp_path / "wds_cifar10" / "test" / "1.tar", broken)
    (reason,) = check_dataset("cifar10", data_root=tmp_path).images.unreadable
    assert "1.tar: s0000010.png (row 10)" in reason


def test_equal_pictures_are_found_whatever_their_files_are(photos):
    same = picture(0)
    (photos / "blue_car" / "9.webp").write_bytes(encoded(same, "WEBP", lossless=True))
    report = check_dataset(photos)
    assert report.images.duplicates == (("blue_car/9.webp", "red_car/0.png"),) or (
        report.images.duplicates == (("red_car/0.png", "blue_car/9.webp"),)
    )
    assert not report.sound and "under labels that differ" in report.faults[0]


def test_equal_pictures_under_one_label_are_only_remarked(photos):
    picture(0).save(photos / "red_car" / "again.bmp")
    report = check_dataset(photos)
    assert report.sound
    assert report.remarks[0].startswith("1 picture comes more than once (")
    assert report.remarks[0].endswith("under one label.")


def test_names_whose_prompts_are_the_same_are_wrong_in_ones_own_set(photos, tmp_path):
    (tmp_path / "names.txt").write_text("Jay\njay\n")
    report = check_dataset(photos, classes_file=tmp_path / "names.txt")
    assert report.same_prompts == (("a photo of a jay.", (0, 1)),)
    assert report.faults == ("Classes 0 and 1 have one prompt: a photo of a jay.",)


def test_a_catalogued_set_is_held_against_its_official_count(tmp_path):
    write_cifar10(tmp_path)
    report = check_dataset("cifar10", data_root=tmp_path)
    assert (report.n, report.official, report.variant) == (12, 10000, "subset")
    assert words(report)["images"] == "12 of 10,000"
    assert report.sound and report.notes
    assert report.per_class.least == 1


def test_classes_without_images_are_remarked_in_a_subset(tmp_path):
    folder = write_cifar10(tmp_path)
    write_tar(folder / "test" / "1.tar", members(6, 2))
    report = check_dataset("cifar10", data_root=tmp_path)
    assert report.per_class.missing == ("class 8", "class 9")
    assert report.sound
    assert report.remarks == ("2 classes have no image: class 8, class 9.",)


def test_a_sample_decodes_only_the_first_ids_and_says_so(photos):
    seen = []
    report = check_dataset(photos, sample=2, on_image=lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]
    assert report.images.decoded == 2
    assert words(report)["decoded"].startswith("the first 2: ")
    assert conclusion_of(report) == "Sound: nothing is wrong in what was decoded."
    with pytest.raises(DataError, match="sample = 0"):
        check_dataset(photos, sample=0)


def test_unlabelled_images_are_checked_too(photos, tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    report = check_dataset(photos / "red_car", classes_file=tmp_path / "names.txt")
    assert report.per_class is None
    assert words(report)["classes"] == "2 names; the images are unlabelled"


def test_an_index_on_disk_is_checked_as_one_in_memory(photos, monkeypatch):
    from zsrobust.data import columns, index
    from zsrobust.data.catalogue import load_dataset

    whole = check_dataset(photos)
    for module in (columns, index):
        monkeypatch.setattr(module, "IN_MEMORY", 2)
    stored = load_dataset(photos)
    assert isinstance(stored.ids, Column)
    assert check_dataset(stored) == whole


def test_a_long_list_of_faults_is_cut_and_says_where_the_rest_is(tmp_path):
    folder = write_photos(tmp_path / "photos", count=8)
    for file in folder.rglob("*.png"):
        file.write_bytes(b"")
    lines = [said for _, said in lines_of(check_dataset(folder))]
    assert "... and 6 more (--json lists them all)" in lines


def run(capsys, *arguments):
    code = main(["datasets", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_command_prints_at_80_columns_and_exits_0_or_1(photos, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(capsys, "check", photos)
    assert code == 0 and "photos · all" in out and "Sound: nothing is wrong." in out
    assert max(map(len, out.splitlines())) <= 80
    (photos / "red_car" / "0.png").write_bytes(b"")
    code, out, _ = run(capsys, "check", photos)
    assert code == 1 and "red_car/0.png" in out.replace("\n", "").replace(" ", "")


def test_the_commands_json_holds_all_that_was_found(photos, capsys):
    code, out, _ = run(capsys, "check", photos, "--json")
    content = json.loads(out)
    assert code == 0 and content["sound"] is True
    assert (content["n"], content["per_class"]["most"], content["images"]["decoded"]) == (6, 3, 6)


def test_an_absent_set_says_what_to_fetch_and_where_to_put_it(tmp_path, capsys):
    code, _, said = run(capsys, "check", "dtd", "--data-root", tmp_path)
    assert code == 2
    assert f"looked under {tmp_path} for wds_dtd" in said
    assert "clip-benchmark/wds_" in said


def test_a_name_after_datasets_still_shows_its_entry(capsys):
    code, out, _ = run(capsys, "cifar10")
    assert code == 0 and "CIFAR-10" in out
    code, _, said = run(capsys, "cifar-10")
    assert code == 2 and "Did you mean 'cifar10'" in said
    code, out, _ = run(capsys, "cifar10", "--json")
    assert json.loads(out)["kind"] == "images"
