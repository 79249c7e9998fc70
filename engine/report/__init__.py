"""Deliverables of a run, for people who never open a terminal: rows, figures, page."""
