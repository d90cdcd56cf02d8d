"""SSML -> spans: the tags of Alibaba's dialect (emotion, s, w, phoneme py, say-as kinds) and W3C's prosody, voice, p.

Source: Alibaba Cloud's SSML page (2025-04), W3C SSML 1.1 for prosody and break strengths. A tag or attribute that
cannot be obeyed here is an error that names it, never skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tingshuo.errors import InvalidRequest, LimitExceeded
from tingshuo_sambert_hifigan.frontend.lexicon import parse_reading
from tingshuo_sambert_hifigan.frontend.markup import MAX_DEPTH, MAX_LENGTH, MAX_TAGS, Tag, is_ssml, read
from tingshuo_sambert_hifigan.frontend.prosody_values import emotion, intensity, pause, pitch, rate, volume
from tingshuo_sambert_hifigan.frontend.say_as import say_as
from tingshuo_sambert_hifigan.frontend.spans import Piece, Span, Style

#: Attributes that say nothing about the sound.
_NEUTRAL = frozenset({"version", "xmlns", "xml:lang", "xmlns:xsi", "xsi:schemaLocation", "encodeType"})
_ATTRIBUTES = {
    "speak": {"voice", "rate", "pitch", "volume"},
    "emotion": {"category", "intensity"},
    "prosody": {"rate", "pitch", "volume"},
    "voice": {"name"},
    "break": {"time", "strength"},
    "phoneme": {"alphabet", "ph"},
    "say-as": {"interpret-as"},
    "sub": {"alias"},
    "s": set(), "p": set(), "w": set(),
}  # fmt: skip
#: Hold text alone.
_LEAVES = frozenset({"phoneme", "say-as", "sub", "w"})
_BLOCK = re.compile(r"<speak(?=[\s/>])")
_END = "</speak>"


class _Builder:
    """Spans under construction: the open tags, the style within each, the pieces since the last boundary."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._pieces: list[Piece] = []
        self._open: list[tuple[Tag, Style]] = []
        self._leaf = ""

    @property
    def _style(self) -> Style:
        return self._open[-1][1] if self._open else Style()

    def text(self, text: str) -> None:
        if self._open and self._open[-1][0].name in _LEAVES:
            self._leaf += text
        elif text:
            joined = self._pieces and self._pieces[-1] == Piece(self._pieces[-1].text)
            before = self._pieces.pop().text if joined else ""
            self._pieces.append(Piece(before + text))

    def flush(self, silence: float = 0.0) -> None:
        """End the span; a silence directly behind another one adds to it, ten seconds at most."""
        if any(piece.text.strip() for piece in self._pieces):
            self.spans.append(Span(tuple(self._pieces), self._style, silence))
        elif silence:
            if self.spans and self.spans[-1].pause:
                silence = min(10.0, silence + self.spans[-1].pause)
                self.spans[-1] = replace(self.spans[-1], pause=silence)
            else:
                self.spans.append(Span((), self._style, silence))
        self._pieces = []

    def open(self, tag: Tag) -> None:
        _check(tag)
        if self._open and self._open[-1][0].name in _LEAVES:
            raise InvalidRequest(f"<{tag.name}> inside <{self._open[-1][0].name}>, which holds text alone")
        if (tag.name == "speak") == bool(self._open):
            raise InvalidRequest(f"<{tag.name}> stands inside <speak>, and <speak> in no other tag")
        if len(self._open) >= MAX_DEPTH:
            raise LimitExceeded(f"tags are nested more than {MAX_DEPTH} deep at <{tag.name}>")
        if tag.name == "break":
            self.flush(pause(tag.attributes))
        style = _styled(tag, self._style)
        if style != self._style:
            self.flush()
        self._open.append((tag, style))
        self._leaf = ""

    def close(self, name: str) -> None:
        if not self._open or self._open[-1][0].name != name:
            expected = f"</{self._open[-1][0].name}>" if self._open else "no closing tag"
            raise InvalidRequest(f"</{name}> where {expected} was expected")
        tag, style = self._open[-1]
        if name in _LEAVES:
            self._pieces += _LEAF_PIECES[name](tag, self._leaf)
        elif name in ("s", "p", "speak"):
            self._pieces.append(Piece("\n", spoken=True))
        outer = self._open[-2][1] if len(self._open) > 1 else Style()
        if style != outer or name == "speak":
            self.flush()
        self._open.pop()

    def finish(self) -> None:
        if self._open:
            raise InvalidRequest(f"<{self._open[-1][0].name}> is not closed")
        self.flush()


def _check(tag: Tag) -> None:
    if tag.name == "soundEvent":
        raise InvalidRequest("<soundEvent> is refused: this engine fetches nothing from addresses")
    if tag.name not in _ATTRIBUTES:
        raise InvalidRequest(f"the tag <{tag.name}> is not supported; these are: {', '.join(_ATTRIBUTES)}")
    unknown = tag.attributes.keys() - _ATTRIBUTES[tag.name] - _NEUTRAL
    if unknown:
        allowed = ", ".join(sorted(_ATTRIBUTES[tag.name])) or "none"
        raise InvalidRequest(f"<{tag.name}> does not support the attribute {min(unknown)}; it takes: {allowed}")


def _styled(tag: Tag, style: Style) -> Style:
    """The style inside a tag: rates and volumes multiply, pitches add, the rest replaces."""
    given = tag.attributes
    if tag.name == "emotion":
        if "category" not in given:
            raise InvalidRequest("<emotion> needs a category, such as happy")
        return replace(style, emotion=emotion(given["category"]), intensity=intensity(given.get("intensity", "1")))
    if tag.name == "voice":
        if not given.get("name"):
            raise InvalidRequest("<voice> needs a name")
        return replace(style, voice=given["name"])
    if tag.name in ("speak", "prosody"):
        return replace(
            style,
            voice=given.get("voice", style.voice),
            rate=style.rate * rate(given["rate"], tag.name) if "rate" in given else style.rate,
            pitch=style.pitch + pitch(given["pitch"], tag.name) if "pitch" in given else style.pitch,
            volume=style.volume * volume(given["volume"], tag.name) if "volume" in given else style.volume,
        )
    return style


def _phoneme(tag: Tag, text: str) -> list[Piece]:
    alphabet, reading = tag.attributes.get("alphabet", "py"), tag.attributes.get("ph", "")
    if alphabet not in ("py", "arpabet"):
        raise InvalidRequest(f"<phoneme> alphabet={alphabet!r} is not supported; it is py (pinyin) or arpabet")
    syllables, english = parse_reading(reading)
    if bool(english) != (alphabet == "arpabet"):
        raise InvalidRequest(f"<phoneme> ph={reading!r} is not {alphabet}")
    if alphabet == "py" and len(syllables) != len(text.strip()):
        raise InvalidRequest(
            f"<phoneme> gives {len(syllables)} syllables for the {len(text.strip())} characters {text!r}"
        )
    return [Piece(text.strip(), reading=reading)]


def _say_as(tag: Tag, text: str) -> list[Piece]:
    if "interpret-as" not in tag.attributes:
        raise InvalidRequest("<say-as> needs interpret-as")
    return list(say_as(tag.attributes["interpret-as"], text))


def _sub(tag: Tag, text: str) -> list[Piece]:
    if "alias" not in tag.attributes:
        raise InvalidRequest("<sub> needs an alias")
    return [Piece(tag.attributes["alias"])]


_LEAF_PIECES: dict[str, Callable[[Tag, str], list[Piece]]] = {
    "phoneme": _phoneme,
    "say-as": _say_as,
    "sub": _sub,
    "w": lambda tag, text: [Piece(text.strip(), word=True)],
}


def _blocks(text: str) -> list[tuple[str, bool]]:
    """The text in `<speak>` blocks (True) and plain text between them."""
    out: list[tuple[str, bool]] = []
    at = 0
    for match in _BLOCK.finditer(text):
        if match.start() < at:
            continue
        end = text.find(_END, match.start())
        end = len(text) if end < 0 else end + len(_END)
        out += [(text[at : match.start()], False), (text[match.start() : end], True)]
        at = end
    return [*out, (text[at:], False)]


def parse(text: str) -> list[Span]:
    """The spans of a text with `<speak>` blocks in it. Raises `InvalidRequest` naming the tag at fault."""
    if len(text) > MAX_LENGTH:
        raise LimitExceeded(f"SSML of {len(text)} characters; {MAX_LENGTH} are read")
    builder, tags = _Builder(), 0
    for block, marked in _blocks(text):
        header = "" if marked else block.lstrip()
        for item in read(block) if marked or header.startswith(("<?", "<!")) else [block]:
            if isinstance(item, str):
                if marked or item.strip():
                    builder.text(item)
                continue
            tags += 1
            if tags > MAX_TAGS:
                raise LimitExceeded(f"SSML with more than {MAX_TAGS} tags")
            if item.opening:
                builder.open(item)
            if item.closing:
                builder.close(item.name)
        if not marked:
            builder.flush()
    builder.finish()
    return builder.spans


def spans(text: str, ssml: bool | None = None) -> list[Span]:
    """The spans of a text. ssml: whether to read tags; None: where the text holds a `<speak>` tag."""
    if ssml is None:
        ssml = is_ssml(text)
    return parse(text) if ssml else [Span((Piece(text),))]
