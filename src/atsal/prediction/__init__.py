"""Prediction: from frames to maps, and from maps to files."""
