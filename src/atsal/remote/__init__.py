"""Files behind URLs: read in pieces, tried again when the network fails, and never shown with their secrets."""
