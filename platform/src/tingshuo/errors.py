"""Every error the product raises on purpose, with its HTTP status, OpenAI error type and code.

    TingshuoError                       500 server_error
    ├── InvalidRequest                  400 invalid_request_error  invalid_request
    │   ├── InvalidAudio                400                        invalid_audio
    │   ├── UnsupportedFormat           400                        unsupported_format
    │   ├── UnsupportedLanguage         400                        unsupported_language
    │   ├── UnsupportedEmotion          400                        unsupported_emotion
    │   ├── UnknownVoice                400                        voice_not_found
    │   └── LimitExceeded               413                        limit_exceeded
    ├── NotFound                        404 invalid_request_error  not_found
    │   └── UnknownEngine               404                        model_not_found
    ├── AuthenticationFailed            401 authentication_error   invalid_api_key
    ├── PermissionDenied                403 permission_error       permission_denied
    ├── Conflict                        409 invalid_request_error  conflict
    │   ├── LastAdminKey                409                        last_admin_key
    │   ├── IdempotencyConflict         409                        idempotency_conflict
    │   └── RevisionConflict            412                        revision_conflict
    ├── ServerBusy                      503 server_error           server_busy (Retry-After)
    │   └── EngineBusy                  503                        engine_busy (Retry-After)
    ├── RequestCancelled                499 server_error           request_cancelled
    ├── DeadlineExceeded                504 server_error           deadline_exceeded (Retry-After if it never began)
    ├── EngineUnavailable               503 server_error           engine_unavailable
    ├── EngineFailed                    500 server_error           engine_failed
    │   └── EngineCrashed               503                        engine_crashed (Retry-After)
    ├── StorageFailed                   503 server_error           storage_failed (Retry-After)
    │   └── StorageFull                 507                        storage_full
    └── ConfigurationError              500 server_error           configuration_error
        └── ModelError                  503                        model_error
            └── NamedModelMissing       503                        model_error (ends `tingshuo serve`)

A message says what was wrong, with the value, and what would be right. Callers tell errors apart by class.
"""

from __future__ import annotations

from typing import ClassVar


class TingshuoError(Exception):
    """The root. `param` names the request field at fault, `retry_after` the seconds after which to try again."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "server_error"

    def __init__(self, message: str, *, param: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after


class InvalidRequest(TingshuoError):
    """The caller asked for something that cannot be."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class InvalidAudio(InvalidRequest):
    """The bytes are no audio that can be decoded, or hold none."""

    code = "invalid_audio"


class UnsupportedFormat(InvalidRequest):
    """The audio or response format is not one of ours."""

    code = "unsupported_format"


class UnsupportedLanguage(InvalidRequest):
    """The engine or voice does not know the language."""

    code = "unsupported_language"


class UnsupportedEmotion(InvalidRequest):
    """The voice cannot speak with the emotion."""

    code = "unsupported_emotion"


class UnknownVoice(InvalidRequest):
    """The engine has no voice of that name."""

    code = "voice_not_found"


class LimitExceeded(InvalidRequest):
    """More bytes, seconds or characters than the server takes."""

    status = 413
    code = "limit_exceeded"


class NotFound(TingshuoError):
    """The addressed thing does not exist, or is not the caller's."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class UnknownEngine(NotFound):
    """No engine or model alias of that name is installed."""

    code = "model_not_found"


class AuthenticationFailed(TingshuoError):
    """No key, or one that is unknown, revoked or expired."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class PermissionDenied(TingshuoError):
    """The key lacks the scope, or the address is not on the allow-list."""

    status = 403
    type = "permission_error"
    code = "permission_denied"


class Conflict(TingshuoError):
    """What is asked for does not go together with what there is."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"


class LastAdminKey(Conflict):
    """Without this key nobody could administer the server over the API."""

    code = "last_admin_key"


class IdempotencyConflict(Conflict):
    """The idempotency key was sent before with another request."""

    code = "idempotency_conflict"


class RevisionConflict(Conflict):
    """What was to be changed has been changed by somebody else since it was read."""

    status = 412
    code = "revision_conflict"


class ServerBusy(TingshuoError):
    """The server has as much in hand as it takes; try again after `retry_after` seconds."""

    status = 503
    code = "server_busy"


class EngineBusy(ServerBusy):
    """The engine's queue is full."""

    code = "engine_busy"


class RequestCancelled(TingshuoError):
    """Whoever asked went away before the answer was there. Nobody reads this but the history and the log."""

    status = 499  # nginx's "client closed request"
    code = "request_cancelled"


class DeadlineExceeded(TingshuoError):
    """The answer was not there in time."""

    status = 504
    code = "deadline_exceeded"


class EngineUnavailable(TingshuoError):
    """The engine is installed but cannot work here; the message says why."""

    status = 503
    code = "engine_unavailable"


class EngineFailed(TingshuoError):
    """The engine raised while working."""

    code = "engine_failed"


class EngineCrashed(EngineFailed):
    """The process of an isolated engine ended, or keeps ending; the next request starts another one."""

    status = 503
    code = "engine_crashed"


class StorageFailed(TingshuoError):
    """The database or the blob store does not work; what was asked for may not have been kept."""

    status = 503
    code = "storage_failed"


class StorageFull(StorageFailed):
    """There is no space left where the history is kept."""

    status = 507
    code = "storage_full"


class ConfigurationError(TingshuoError):
    """A setting is wrong; the process does not start with it."""

    code = "configuration_error"


class ModelError(ConfigurationError):
    """A model directory is missing, incomplete or not what it says it is."""

    # A request that names the engine is no bug of the server: the engine cannot be had, the others can.
    status = 503
    code = "model_error"


class NamedModelMissing(ModelError):
    """A model that a setting names is not on this machine."""
