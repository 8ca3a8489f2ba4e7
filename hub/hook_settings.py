"""The settings of the hooks that come with the hub. All are off unless they are set."""

import re
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PiiKind = Literal["iban", "card", "person", "email", "phone"]
PII_KINDS: tuple[PiiKind, ...] = get_args(PiiKind)
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class HookSettings(BaseSettings):
    """What `Settings` has of hooks."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    max_message_chars: Annotated[int, Field(ge=0, le=1 << 30)] = Field(
        default=0, description="the most characters that a message may have, its context included, or 0 for no limit"
    )
    flag_injections: bool = Field(
        default=False, description="true (messages that look like prompt injections are marked) or false"
    )
    redact_pii: Annotated[tuple[PiiKind, ...], NoDecode] = Field(
        default=(),
        description="a list of what is taken out of messages (email, phone, iban, card, person), all, or nothing",
    )
    pii_regions: Annotated[tuple[Region, ...], NoDecode] = Field(
        default=(), description="a list of countries (US, DE) whose phone numbers are known without +"
    )
    cached_answers: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=0, description="how many answers may be kept to be given again to the same question, or 0 for none"
    )
    cached_answers_bytes: Annotated[int, Field(ge=1024, le=1 << 40)] = Field(
        default=64 << 20, description="a number of bytes from 1024: what the kept answers may take"
    )
    cached_answer_age_s: Annotated[float, Field(gt=0, le=366 * 86_400)] = Field(
        default=3600.0, description="a number of seconds: how old an answer may be that is given again"
    )
    streaming_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=100.0,
        description="a number from 0 to 100: the part of the users who see answers while they are made; "
        "the others get each one in one piece",
    )

    @field_validator("redact_pii", "pii_regions", mode="before")
    @classmethod
    def _split_words(cls, words: object, about: ValidationInfo) -> object:
        if not isinstance(words, str):
            return words
        if about.field_name == "redact_pii" and words.strip() == "all":
            return PII_KINDS
        return tuple(filter(None, re.split(r"[,\s]+", words)))
