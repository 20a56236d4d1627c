"""Tiles of a 360° video, segment by segment: the share of gaze in each, and the chance that a viewer sees it."""
