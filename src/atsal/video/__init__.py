"""Frames in, results out: reading and writing 360° video, images and maps, one frame at a time."""
