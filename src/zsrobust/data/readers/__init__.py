"""Readers of the layouts in which datasets are found on disk, all through `datasets`."""
