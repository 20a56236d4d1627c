"""What the readers share: rows of text, numbers, columns, checks of rows and positions, units, archives, pickles."""
