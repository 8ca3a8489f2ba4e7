"""Names of epochs: each life of a session's numbering has its own."""

import secrets


def random_epoch() -> str:
    return secrets.token_hex(6)
