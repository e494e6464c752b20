import os
import signal
import subprocess
import sys
import textwrap

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.records.sample_runs import block_of, image, outcome

from zsrobust.errors import RunError
from zsrobust.records.schema import SCHEMA, VERSION_KEY, to_table
from zsrobust.records.store import (
    COMPACTED,
    compact,
    finished_blocks,
    read_records,
    records_folder,
    write_block,
)

BLOCKS = {0: block_of(0, 4), 1: block_of(4, 4), 2: block_of(8, 3)}
ALL = [record for block in BLOCKS.values() for record in block]


@pytest.fixture
def folder(tmp_path):
    return records_folder(tmp_path)


def write(folder, *blocks):
    for block in blocks:
        write_block(folder, block, BLOCKS[block])


def files(folder):
    return sorted(os.listdir(folder))


def test_records_come_back_as_they_were_written_in_block_order(folder):
    write(folder, 2, 0, 1)
    assert read_records(folder) == ALL
    assert finished_blocks(folder) == {0, 1, 2}


def test_every_field_survives_the_disk_exactly(folder):
    record = image(
        "n01/été.jpg",
        7,
        7,
        outcome(3, 1 / 3, name="apgd-t", eps=4 / 255, iteration=5, flags=("a", "b")),
        outcome(3, float("inf"), ran=False, norm="l2", forwards=0, backwards=0),
    )
    write_block(folder, 0, [record, image("never-attacked", 1, 2)])
    assert read_records(folder) == [record, image("never-attacked", 1, 2)]


def test_a_run_that_has_not_begun_has_no_finished_blocks(folder):
    assert finished_blocks(folder) == frozenset()
    with pytest.raises(RunError, match="no such folder"):
        read_records(folder)


def test_the_same_records_give_the_same_bytes(folder, tmp_path):
    write(folder, 0)
    write(tmp_path / "again", 0)
    name = "part-00000.parquet"
    assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_compaction_leaves_one_file_with_the_same_records_and_blocks(folder):
    write(folder, 0, 1, 2)
    compact(folder)
    assert files(folder) == [COMPACTED]
    assert read_records(folder) == ALL
    assert finished_blocks(folder) == {0, 1, 2}


def test_compacted_bytes_do_not_depend_on_the_order_or_the_number_of_compactions(folder, tmp_path):
    write(folder, 0, 1, 2)
    compact(folder)
    other = tmp_path / "other"
    write(other, 2, 0)
    compact(other)
    write(other, 1)
    assert read_records(other) == ALL
    compact(other)
    assert files(other) == [COMPACTED]
    assert (other / COMPACTED).read_bytes() == (folder / COMPACTED).read_bytes()


def test_compacting_nothing_or_twice_changes_nothing(folder):
    compact(folder)
    assert not folder.exists()
    write(folder, 0)
    compact(folder)
    before = (folder / COMPACTED).read_bytes()
    compact(folder)
    assert (folder / COMPACTED).read_bytes() == before


@pytest.mark.parametrize("left", [(0, 1, 2), (1, 2), (2,)])
def test_a_kill_between_joining_and_removing_leaves_each_image_once(folder, left):
    write(folder, 0, 1, 2)
    compact(folder)
    write(folder, *left)
    assert read_records(folder) == ALL
    assert finished_blocks(folder) == {0, 1, 2}
    compact(folder)
    assert files(folder) == [COMPACTED]
    assert read_records(folder) == ALL


def test_half_written_dot_files_are_ignored_and_cleared_when_the_run_ends(folder):
    write(folder, 0, 1, 2)
    (folder / ".part-00003.77.parquet").write_bytes(b"PAR1 half")
    (folder / ".part-all.77.parquet").write_bytes(b"")
    assert read_records(folder) == ALL
    assert finished_blocks(folder) == {0, 1, 2}
    compact(folder)
    assert files(folder) == [COMPACTED]


def test_a_real_kill_at_each_step_of_compaction_loses_and_doubles_nothing(folder):
    """One rename, then three removals: the process kills itself before each in turn."""
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from zsrobust.records.store import compact
        left = int(sys.argv[2])
        def step(event, _):
            global left
            if event in ("os.rename", "os.remove"):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(step)
        compact(Path(sys.argv[1]))
        """
    )
    for steps in range(4):
        for path in folder.glob("*.parquet"):
            path.unlink()
        write(folder, 0, 1, 2)
        command = [sys.executable, "-c", script, str(folder), str(steps)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        assert read_records(folder) == ALL
        assert finished_blocks(folder) == {0, 1, 2}
        compact(folder)
        assert files(folder) == [COMPACTED]


@pytest.mark.parametrize("name", ["part-00001.parquet", COMPACTED])
def test_a_torn_file_is_named(folder, name):
    write(folder, 0, 1)
    if name == COMPACTED:
        compact(folder)
    path = folder / name
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunError, match=f"{name}: damaged .*Delete it and give the same command"):
        read_records(folder)


def test_an_empty_file_is_named(folder):
    write(folder, 0)
    (folder / "part-00001.parquet").write_bytes(b"")
    with pytest.raises(RunError, match=r"part-00001\.parquet: damaged"):
        read_records(folder)


def test_a_flipped_bit_is_noticed_or_changes_no_record(folder):
    path = write_block(folder, 0, BLOCKS[0])
    content = path.read_bytes()
    refused = 0
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            assert read_records(folder) == BLOCKS[0]
        except RunError as error:
            assert path.name in str(error)
            refused += 1
    assert refused > 100


def test_a_damaged_part_stays_where_it_is_when_compaction_fails(folder):
    write(folder, 0, 1)
    (folder / "part-00001.parquet").write_bytes(b"torn")
    with pytest.raises(RunError):
        compact(folder)
    assert files(folder) == ["part-00000.parquet", "part-00001.parquet"]


def test_an_image_that_stands_in_two_blocks_is_refused_not_dropped(folder):
    write_block(folder, 0, BLOCKS[0])
    write_block(folder, 3, BLOCKS[0][:1])
    with pytest.raises(RunError, match="'image-0' stands in block 0 and in block 3"):
        read_records(folder)


def test_a_parquet_file_of_another_name_is_refused(folder):
    write(folder, 0)
    (folder / "part-00000 (copy).parquet").write_bytes((folder / "part-00000.parquet").read_bytes())
    with pytest.raises(RunError, match=r"\(copy\)\.parquet: not a file of this run's records"):
        read_records(folder)


def test_a_file_zsrobust_did_not_write_is_refused(folder):
    folder.mkdir()
    pq.write_table(pa.table({"id": ["a"]}), folder / "part-00000.parquet")
    with pytest.raises(RunError, match="not a records file of zsrobust"):
        read_records(folder)


def test_another_version_of_the_schema_is_refused_by_its_number(folder):
    folder.mkdir()
    table = to_table(BLOCKS[0]).replace_schema_metadata({VERSION_KEY: b"2"})
    pq.write_table(table, folder / "part-00000.parquet")
    with pytest.raises(RunError, match="records schema 2, this zsrobust reads 1"):
        read_records(folder)


def test_missing_columns_are_refused(folder):
    folder.mkdir()
    table = to_table(BLOCKS[0]).drop_columns(["label"]).replace_schema_metadata(SCHEMA.metadata)
    pq.write_table(table, folder / "part-00000.parquet")
    with pytest.raises(RunError, match="columns are not those"):
        read_records(folder)


def test_a_joined_file_that_does_not_list_its_blocks_is_refused(folder):
    write(folder, 0)
    (folder / "part-00000.parquet").rename(folder / COMPACTED)
    with pytest.raises(RunError, match="does not say which blocks"):
        read_records(folder)
