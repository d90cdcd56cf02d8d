"""The sentences of a round trip: a file, or the few that are built in."""

from __future__ import annotations

from pathlib import Path

from tingshuo.cli.console import refuse
from tingshuo.errors import InvalidRequest

_DEMO = {
    "zh": (
        "今天天气真好，我们一起去公园散步吧。",
        "请问您需要什么帮助？",
        "会议改到明天下午三点，在二楼的会议室。",
        "这个问题我已经说了很多遍了。",
        "听到这个消息，大家都很意外。",
        "他把钥匙忘在家里，只好在门口等着。",
        "孩子们在操场上跑来跑去。",
        "谢谢你一直陪着我。",
    ),
    "en": (
        "The weather is lovely today, let us walk in the park.",
        "How may I help you?",
        "The meeting was moved to tomorrow afternoon.",
        "I have said this many times already.",
        "Nobody expected to hear that news.",
        "Thank you for staying with me.",
    ),
}


def sentences(suite: Path | None, language: str) -> tuple[str, ...]:
    """One sentence a line of the UTF-8 file `suite`, blank lines and those with # left out; else the built-in ones."""
    if suite is None:
        if language not in _DEMO:
            refuse(f"no sentences are built in for language {language!r}; give --suite FILE")
        return _DEMO[language]
    try:
        lines = [line.strip() for line in suite.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{suite} is not UTF-8: byte {error.start}") from error
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise InvalidRequest(f"{suite} holds no sentences; write one a line")
    return found
