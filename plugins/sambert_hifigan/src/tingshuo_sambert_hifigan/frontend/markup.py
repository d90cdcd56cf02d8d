"""SSML as a stream of text, opening and closing tags: a reader that knows nothing else of XML.

There are no document types, no entities but the five of XML and character numbers, no processing instructions
beyond the header: nothing in a document can expand or reach outside it. Every step is linear in the text.
A `<` that opens no tag is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tingshuo.errors import InvalidRequest, LimitExceeded

#: Characters of a document, tags in it, tags within tags.
MAX_LENGTH, MAX_TAGS, MAX_DEPTH = 100_000, 10_000, 16

_SSML = re.compile(r"<speak(?=[\s/>])|\A\s*<(?:\?xml|!)")
_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]{0,40})"""
    r"""(?P<attributes>(?:\s{1,40}[A-Za-z_][\w:.-]{0,40}\s{0,40}=\s{0,40}"""
    r"""(?:"[^"<]{0,2000}"|'[^'<]{0,2000}')){0,20})\s{0,40}(?P<empty>/?)>"""
)
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_HEADER = re.compile(r"\A\s*<\?xml[^<>]{0,200}\?>")
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*+-->")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]\w{0,30}));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


@dataclass(frozen=True, slots=True)
class Tag:
    """`<name …>`, `</name>` (`closing`) or `<name …/>` (both: an opening and at once a closing one)."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    opening: bool = True
    closing: bool = False


def is_ssml(text: str) -> bool:
    """Whether text is to be read as SSML: it holds a `<speak>` tag or begins like an XML document."""
    return _SSML.search(text) is not None


def _character(match: re.Match[str]) -> str:
    if match[3]:
        if match[3] not in _ENTITIES:
            raise InvalidRequest(f"the entity &{match[3]}; is not defined; &amp; &lt; &gt; &quot; &apos; are")
        return _ENTITIES[match[3]]
    code = int(match[1]) if match[1] else int(match[2], 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or code == 0:
        raise InvalidRequest(f"{match[0]} is no character")
    return chr(code)


def unescape(text: str) -> str:
    """Text with its references resolved, once: what a reference yields is not read again."""
    return _REFERENCE.sub(_character, text)


def _attributes(name: str, written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(written):
        if match[1] in found:
            raise InvalidRequest(f"<{name}> has the attribute {match[1]} twice")
        found[match[1]] = unescape(match[2] if match[2] is not None else match[3])
    return found


def _tag(match: re.Match[str]) -> Tag:
    name, closing = match["name"], bool(match["close"])
    if closing and (match["attributes"] or match["empty"]):
        raise InvalidRequest(f"</{name}> has more in it than a name")
    return Tag(name, _attributes(name, match["attributes"]), not closing, closing or bool(match["empty"]))


def read(text: str) -> Iterator[str | Tag]:
    """Text (references resolved) and tags in order.

    Raises `LimitExceeded` past the limits, `InvalidRequest` for a document type, an unknown entity, a processing
    instruction or a tag that is not well formed.
    """
    if len(text) > MAX_LENGTH:
        raise LimitExceeded(f"SSML of {len(text)} characters; {MAX_LENGTH} are read")
    if text.count("<") > 2 * MAX_TAGS:
        raise LimitExceeded(f"SSML with more than {MAX_TAGS} tags")
    header = _HEADER.match(text)
    at = header.end() if header else 0
    while at < len(text):
        opening = text.find("<", at)
        if opening != at:
            end = opening if opening >= 0 else len(text)
            yield unescape(text[at:end])
            at = end
            continue
        item, at = _markup(text, at)
        if item is not None:
            yield item


def _markup(text: str, at: int) -> tuple[str | Tag | None, int]:
    """What begins with the `<` at `at` (None: a comment), and where it ends."""
    following = text[at + 1 : at + 2]
    if following == "!":
        comment = _COMMENT.match(text, at)
        if comment is None:
            raise InvalidRequest(f"{text[at : at + 12]!r} is not read: document types, entities and CDATA are refused")
        return None, comment.end()
    if following == "?":
        raise InvalidRequest("processing instructions are refused; <?xml …?> may stand at the very beginning")
    match = _TAG.match(text, at)
    if match is not None:
        return _tag(match), match.end()
    if following.isascii() and (following.isalpha() or following == "/"):
        raise InvalidRequest(
            f"{text[at : at + 24]!r} is not a well-formed tag; a bare < before a letter is written &lt;"
        )
    return "<", at + 1
