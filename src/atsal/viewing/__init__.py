"""The page that shows a 360° video or photo with its saliency maps (docs/viewer.md)."""
