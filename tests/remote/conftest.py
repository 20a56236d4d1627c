"""Servers on this machine."""

from fakes.servers import aws, failing_s3, fresh, fresh_connections, s3, s3_server, server

__all__ = ["aws", "failing_s3", "fresh", "fresh_connections", "s3", "s3_server", "server"]
