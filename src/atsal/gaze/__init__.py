"""Where people looked: readers of raw logs."""
