"""Files and text that others made: read within bounds, and any failure to read them is an error of ours."""
