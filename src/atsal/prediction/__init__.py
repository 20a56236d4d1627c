"""From frames to maps to files."""
