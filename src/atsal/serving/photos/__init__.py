"""`POST /v1/images`: a photo in, its map or regions out, at once."""
