"""The Chinese front end of the SAMBERT-HiFiGAN voices: text or SSML -> symbol lines. See docs/frontend.md.

to_symbols("今天天气怎么样？", emotion="happy")   one line per sentence, as the acoustic model reads it
stages("展览馆")["pinyin"]                         "zhan2 lan2 guan3"
FrontEnd({"单晓": "shan4 xiao3"})                  with readings of one's own
FrontEnd().spans("<speak>…</speak>")               what an engine walks: text, style, silence
"""

from __future__ import annotations

from tingshuo_sambert_hifigan.frontend.lexicon import Lexicon
from tingshuo_sambert_hifigan.frontend.pipeline import FrontEnd, default
from tingshuo_sambert_hifigan.frontend.prosody_values import EMOTIONS
from tingshuo_sambert_hifigan.frontend.spans import Piece, Span, Style
from tingshuo_sambert_hifigan.frontend.symbols import Stamp

__all__ = ["EMOTIONS", "FrontEnd", "Lexicon", "Piece", "Span", "Stamp", "Style", "stages", "to_symbols"]


def to_symbols(
    text: str, *, emotion: str = "neutral", speaker: str = "F7", break_emotion: str = "none", ssml: bool | None = None
) -> list[str]:
    """`FrontEnd.to_symbols` without a lexicon."""
    return default().to_symbols(text, emotion=emotion, speaker=speaker, break_emotion=break_emotion, ssml=ssml)


def stages(text: str, ssml: bool | None = None) -> dict[str, str | list[str]]:
    """`FrontEnd.stages` without a lexicon."""
    return default().stages(text, ssml)
