"""`atsal serve`: a service that runs the commands as jobs, over HTTP."""
