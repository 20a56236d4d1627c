"""Servers on this machine."""

from fakes.servers import fresh, s3, s3_server, s3_settings, server

__all__ = ["fresh", "s3", "s3_server", "s3_settings", "server"]
