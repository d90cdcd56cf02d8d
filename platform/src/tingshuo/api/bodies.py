"""JSON bodies: a field that is null counts as absent, one we do not know is an error."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, model_validator

from tingshuo.api.envelope import unknown_field
from tingshuo.errors import InvalidRequest


class Body(BaseModel):
    """Parent of the request bodies."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        for name, value in values.items():
            if name not in cls.model_fields:
                raise unknown_field(name, cls.model_fields)
            _check_unicode(name, value)
        return {name: value for name, value in values.items() if value is not None}


def _check_unicode(name: str, value: object) -> None:
    """JSON can spell half of a surrogate pair; no file, database or engine takes it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"{name} holds {error.object[error.start]!r}, half of a character", param=name) from None
    except RecursionError:
        raise InvalidRequest(f"{name} is nested too deeply", param=name) from None
