"""`WS /v1/live`: frames of a camera in, their regions out, as fast as they can be found."""
