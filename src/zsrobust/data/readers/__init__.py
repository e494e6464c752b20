"""Readers of the layouts in which datasets are found on disk.

Archives go through HF `datasets`; a folder of image files is read where it lies.
"""
