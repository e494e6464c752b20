"""Datasets: a catalogue, readers, and the embedded world of scenes."""
