"""The HTTP interface: each module has a `make_router(service)`."""
