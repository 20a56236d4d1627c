"""One module per data set: what it is, where its raw files are, and how one item is read."""
