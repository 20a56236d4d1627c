"""`python -m atsal`, which `torchrun -m` needs."""

from atsal.cli import main

main(prog_name="atsal")
