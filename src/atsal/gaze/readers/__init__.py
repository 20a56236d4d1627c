"""One module a file format; each reads what its data set ships, nothing else."""
