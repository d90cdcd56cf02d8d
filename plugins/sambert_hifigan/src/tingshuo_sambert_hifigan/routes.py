"""What the front end makes of a text, and the lexicon, over the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import Field

from tingshuo import audit
from tingshuo.api.access import needs
from tingshuo.api.bodies import Body
from tingshuo.api.services import CallerOf, ServicesOf
from tingshuo.engines import Engines
from tingshuo.errors import InvalidRequest, LimitExceeded, UnsupportedLanguage
from tingshuo.settings import Settings
from tingshuo.validation import find_voice
from tingshuo_sambert_hifigan.config import ENGINE, read_config
from tingshuo_sambert_hifigan.reading import Reader, lexicon_path
from tingshuo_sambert_hifigan.user_lexicon import UserLexicon, kind_of

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.frontend import FrontEnd
    from tingshuo_sambert_hifigan.frontend.prosody import ProsodicWord


class FrontEndBody(Body):
    """A text to be read, not spoken."""

    text: str | None = Field(None, description="The text; SSML where it is in <speak> tags.")
    ssml: str | None = Field(None, description="SSML instead of a text.")
    voice: str = Field("", description=f"A voice of {ENGINE}; empty: none is looked up.")


class ReadingBody(Body):
    """How a word is read."""

    reading: str = Field(description="Pinyin with tones (shan4 xiao3), or ARPAbet with stress (EH1 S K Y UW1).")


def routers(settings: Settings, engines: Engines) -> list[APIRouter]:
    """POST /v1/frontend and the routes of the lexicon."""
    config = read_config(settings)
    lexicon = UserLexicon(lexicon_path(settings, config))
    return [_front_end(Reader(settings, config), engines), _list(lexicon), _changes(lexicon)]


def _front_end(reader: Reader, engines: Engines) -> APIRouter:
    router = APIRouter(route_class=needs("speak"), tags=["front end"])

    @router.post("/v1/frontend")
    async def read(body: FrontEndBody, services: ServicesOf) -> dict[str, Any]:
        """How a Chinese text is read: normalised, in pinyin, as symbols, by sentences and words."""
        return await services.work(_read, reader, engines, body, services.settings.max_text_characters)

    return router


def _list(lexicon: UserLexicon) -> APIRouter:
    router = APIRouter(route_class=needs(), tags=["front end"])

    @router.get("/v1/lexicon")
    async def list_lexicon(services: ServicesOf) -> dict[str, Any]:
        """The readings that were set."""
        entries = await services.look(lexicon.entries)
        return {
            "object": "list",
            "data": [_entry(word, reading) for word, reading in entries.items()],
            "has_more": False,
        }

    return router


def _changes(lexicon: UserLexicon) -> APIRouter:
    router = APIRouter(route_class=needs("admin"), tags=["front end"])

    @router.put("/v1/lexicon/{word:path}")
    async def set_reading(word: str, body: ReadingBody, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
        """Set how a word is read from the next text on."""
        kept = await services.look(lexicon.put, word, body.reading)
        audit.record("lexicon.set", caller.id, kept[0])
        return _entry(*kept)

    @router.delete("/v1/lexicon/{word:path}")
    async def remove_reading(word: str, services: ServicesOf, caller: CallerOf) -> dict[str, Any]:
        """Forget the reading of a word."""
        await services.look(lexicon.remove, word)
        audit.record("lexicon.removed", caller.id, word)
        return {"word": word, "object": "lexicon.entry", "deleted": True}

    return router


def _entry(word: str, reading: str) -> dict[str, Any]:
    return {"object": "lexicon.entry", "word": word, "reading": reading, "kind": kind_of(reading)}


def _read(reader: Reader, engines: Engines, body: FrontEndBody, most: int) -> dict[str, Any]:
    text = _text(body, most)
    if body.voice:
        voice = find_voice(engines.synthesizer(ENGINE), body.voice)
        if "zh" not in voice.languages:
            raise UnsupportedLanguage(f"voice {voice.name!r} does not read Chinese", param="voice")
    front_end = reader.front_end()
    ssml = True if body.ssml is not None else None
    stages = front_end.stages(text, ssml)
    return {
        "normalized": stages["normalized"],
        "pinyin": stages["pinyin"],
        "symbols": stages["symbols"],
        "sentences": list(_sentences(front_end, text, ssml)),
    }


def _text(body: FrontEndBody, most: int) -> str:
    if (body.text is None) == (body.ssml is None):
        raise InvalidRequest("send either text or ssml", param="text")
    text, name = (body.text, "text") if body.text is not None else (body.ssml or "", "ssml")
    assert text is not None
    if not text.strip():
        raise InvalidRequest(f"{name} is empty; send at least one word", param=name)
    if len(text) > most:
        raise LimitExceeded(f"{name} has {len(text)} characters; at most {most}", param=name)
    return text


def _sentences(front_end: FrontEnd, text: str, ssml: bool | None) -> Iterator[dict[str, Any]]:
    from tingshuo_sambert_hifigan.frontend.pipeline import joined

    for span in front_end.spans(text, ssml):
        for sentence in front_end.sentences(span):
            words = [word for prosodic in sentence for word in prosodic.words]
            yield {"text": joined(words), "words": [found for prosodic in sentence for found in _words(prosodic)]}


def _words(prosodic: ProsodicWord) -> Iterator[dict[str, Any]]:
    """The words of a prosodic word; `break` is the level behind, 0 within."""
    for word in prosodic.words:
        pinyin = word.syllables or [" ".join(phones) for phones in word.english]
        level = prosodic.level if word is prosodic.words[-1] else 0
        yield {"text": word.text, "pinyin": " ".join(pinyin), "break": level}
