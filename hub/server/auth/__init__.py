"""Who may connect: the user behind a connection, the gate that each request passes, and tokens that prove a user.

Its rule: what is asked of a token (issuer, audience, algorithm, where keys come from) is decided by settings alone,
never by the token. The names below are what the other rooms use; `tokens`, `keys` and `jwks` are named by `app` only.
"""

from hub.server.auth.gate import Authenticate, Gate, bearer_token, token_of
from hub.server.auth.refused import Refused
from hub.server.auth.user import ANONYMOUS, User

__all__ = ["ANONYMOUS", "Authenticate", "Gate", "Refused", "User", "bearer_token", "token_of"]
