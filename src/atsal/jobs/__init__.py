"""Jobs that take long: the folders they write to, and the processes they run in."""
