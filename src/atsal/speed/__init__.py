"""How fast a model runs on this machine, and how near that is to what the machine can do."""
