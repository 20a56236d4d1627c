"""What the readers share: rows of text, numbers, columns, units, archives and pickles."""
