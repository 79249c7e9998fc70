"""Sections of a study -> the typed arrays that kernels take, a file for each machine."""
