"""What a hub says of itself once it serves: where, who answers, where sessions are kept, and who may connect."""

import re

from hub.config import Settings


def banner(settings: Settings, chosen: tuple[str, str], *, redis: str | None, authenticates: bool) -> str:
    """`chosen` is the provider and the model that answer, `redis` the place of the store that nodes share, if there is
    one; `authenticates` is whether something proves users. No password is in it."""
    scheme = "https" if settings.certfile else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    provider, model = chosen
    if provider == "demo":
        source = "demo (no key needed; set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY for a model's answers)"
    else:
        at = _place(settings.openai_base_url) if provider == "openai" else ""
        source = f"{provider}{at}, model {model} (--provider demo needs no key)"
    door = "only this machine, without a token"
    if settings.has_authentication:
        door = "whoever has a token" + (" (try: hubline token --user ann)" if settings.jwt_secret else "")
    elif authenticates:
        door = "whoever `authenticate` lets in"
    return (
        f"Hubline serves on {scheme}://{host}:{settings.port}\n"
        f"  provider  {source}\n"
        f"  sessions  {_store(settings, redis)}\n"
        f"  open to   {door}"
    )


def _store(settings: Settings, redis: str | None) -> str:
    if redis is not None:
        return f"in Redis at {redis}"
    file = settings.database_file
    return "in memory, forgotten when the server ends" if file is None else str(file.resolve())


def _place(url: str | None) -> str:
    """Where a server like OpenAI's is asked, without a password that its address may hold."""
    return "" if url is None else f" at {re.sub('//[^/]*@', '//', url)}"
