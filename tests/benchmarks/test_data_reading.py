import datasets.config

import data_reading
import reading_measures


def test_random_accesses_fetch_a_small_part_of_an_archive(shared_data):
    line = data_reading.accesses(str(shared_data))
    assert line.kept, line.measured


def test_a_files_pages_are_counted_and_put_out_of_memory(tmp_path):
    file = tmp_path / "bytes"
    file.write_bytes(bytes(1 << 20))
    assert reading_measures.resident(file) == 1 << 20
    reading_measures.forget(file)
    assert reading_measures.resident(file) < 1 << 18


def test_the_rate_counts_images_and_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    data_reading.write_squares(tmp_path / "squares" / "data", 40)
    found = reading_measures.rate(f"hf:{tmp_path / 'squares'}", "test", "")
    assert found["images"] == 40
    assert found["a_cpu_second"] > 100
