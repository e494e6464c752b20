import json

import pytest
from tests.records.sample_runs import header

from zsrobust.errors import RunFolderError
from zsrobust.records.header import (
    ModelHeader,
    ProtocolHeader,
    check_same_run,
    find_runs,
    read_header,
    write_header,
)


def other_model(name="z"):
    return ModelHeader(name=name, hash="zzzz", source="bundled")


def test_a_header_comes_back_from_disk(tmp_path):
    write_header(tmp_path / "run", header())
    assert read_header(tmp_path / "run") == header()


def test_identity_is_what_defines_the_cell():
    base = header().identity()
    assert header(model=other_model()).identity() != base
    assert header(seed=1).identity() != base
    assert header(block_size=128).identity() != base
    assert header(kind="train").identity() != base
    protocol = ProtocolHeader(name="pgd-20", hash="dddd", content={})
    assert header(protocol=protocol).identity() != base
    dataset = header().dataset.model_copy(update={"hash": "dddd"})
    assert header(dataset=dataset).identity() != base


def test_hardware_and_wording_do_not_change_the_identity():
    same = header(device="cuda", threads=9, batch_size=1, command="other", warnings=("w",))
    assert same.identity() == header().identity()


@pytest.mark.parametrize("leftover", [None, ".run.123.json", ".DS_Store"])
def test_a_folder_is_free_when_absent_or_holding_dot_files_only(tmp_path, leftover):
    folder = tmp_path / "run"
    if leftover:
        folder.mkdir()
        (folder / leftover).write_text("{")
    assert check_same_run(folder, header()) is False


def test_the_same_run_may_go_on(tmp_path):
    write_header(tmp_path, header())
    (tmp_path / "records").mkdir()
    assert check_same_run(tmp_path, header(device="cuda", batch_size=32)) is True


def test_another_run_is_refused_with_what_differs_and_what_to_do(tmp_path):
    write_header(tmp_path, header())
    with pytest.raises(RunFolderError) as refusal:
        check_same_run(tmp_path, header(model=other_model(), seed=3))
    message = str(refusal.value)
    assert message == (
        f"{tmp_path} holds another run: model a (aaaa) there, z (zzzz) here; "
        "seed 0 there, 3 here. Give another folder with --out, or delete this one."
    )


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match=r"other files \(thesis\.tex\) and no run\.json"):
        check_same_run(tmp_path, header())


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(RunFolderError, match="is a file"):
        check_same_run(tmp_path / "run", header())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "schema version None"),
        ('{"schema_version": 2}', "schema version 2, this zsrobust reads 1"),
        ('{"schema_version": 1}', "not a run header .*model: Field required"),
    ],
)
def test_a_header_that_is_none_is_named(tmp_path, content, message):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunFolderError, match=rf"run\.json: {message}"):
        check_same_run(tmp_path, header())


def test_an_unknown_key_in_a_header_is_refused(tmp_path):
    path = write_header(tmp_path, header())
    path.write_text(json.dumps({**json.loads(path.read_text()), "sead": 1}))
    with pytest.raises(RunFolderError, match="sead"):
        read_header(tmp_path)


def test_a_folder_without_header_is_no_run(tmp_path):
    with pytest.raises(RunFolderError, match=r"no run\.json"):
        read_header(tmp_path)


def test_runs_are_found_at_and_beneath_a_folder_in_order_and_hidden_ones_are_not(tmp_path):
    for name in ("b", "a/deep", ".half"):
        write_header(tmp_path / name, header())
    assert find_runs(tmp_path) == [tmp_path / "a" / "deep", tmp_path / "b"]
    assert find_runs(tmp_path / "b") == [tmp_path / "b"]
    (tmp_path / "empty").mkdir()
    assert find_runs(tmp_path / "empty") == []


def test_looking_for_runs_in_no_folder_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match="no such folder"):
        find_runs(tmp_path / "absent")


def test_a_run_is_not_continued_at_another_size_or_with_other_prompts(tmp_path):
    def seen(**update):
        return header(dataset=header().dataset.model_copy(update=update))

    write_header(tmp_path, seen(resolution=32, templates=("a {}",)))
    assert check_same_run(tmp_path, seen(resolution=32, templates=("a {}",)))
    assert check_same_run(tmp_path, seen())
    with pytest.raises(RunFolderError, match="resolution 32 there, 224 here"):
        check_same_run(tmp_path, seen(resolution=224))
    with pytest.raises(RunFolderError, match="templates"):
        check_same_run(tmp_path, seen(templates=("one {}",)))


def test_headers_of_before_say_neither_size_nor_prompts_and_are_read(tmp_path):
    path = write_header(tmp_path, header())
    plain = json.loads(path.read_text())
    for word in ("resolution", "prompts", "templates", "overlap"):
        del plain["dataset"][word]
    del plain["suite"], plain["model"]["tuned_on"]
    path.write_text(json.dumps(plain))
    assert read_header(tmp_path) == header()
    assert check_same_run(tmp_path, header())
