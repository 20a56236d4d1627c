"""Declarations of data sets: each module has a tuple `DATASETS`, and the functions that find and read their items."""
