"""Readers of gaze logs, one module per file format. `parsing` holds what they share."""
