"""What the providers' tests share."""

from tests.provider_server.fixtures import provider_server

__all__ = ["provider_server"]
