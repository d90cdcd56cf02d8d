"""The HTTP API: OpenAI's shapes for speech, and what they lack. One router file per noun."""

from tingshuo.api.app import create_app

__all__ = ["create_app"]
