"""Where the sources of jobs come from: uploads, named folders, URLs."""
