"""Long jobs: their output folders, atomic writes, worker processes and memory."""
