"""Which of the table's emotions a voice can speak, and under which of its rows the portable ones are found.

A voice learned a few of the table's 33 rows; the others are noise from initialisation, and speaking with one gives
noise. So each voice has an allow-list: `emotions.json` in its folder, `{"emotions": ["neutral", "happy", …]}` with the
table's names, or what is published of the official voice of its name (Aliyun's list of speakers, 2025-04), or neutral.
"""

from __future__ import annotations

import json

from tingshuo import Emotion, ModelError
from tingshuo.errors import UnsupportedEmotion
from tingshuo_sambert_hifigan.tables import EMOTIONS
from tingshuo_sambert_hifigan.voice_files import VoiceFiles

_PREFIX = "emotion_"
_NEUTRAL = "neutral"
_PUBLISHED = (_NEUTRAL, "happy", "angry", "sad", "fear", "hate", "surprise")
OFFICIAL = {
    "zhitian_emo": _PUBLISHED,
    "zhibei_emo": _PUBLISHED,
    "zhiyan_emo": (*_PUBLISHED, "arousal"),
    # Not in Aliyun's list; its users send these.
    "zhizhe_emo": (*_PUBLISHED, "arousal"),
}
#: Rows that a portable emotion stands for, the best first: the official voices learned "hate" in place of "disgust".
PORTABLE = {
    Emotion.NEUTRAL: (_NEUTRAL,),
    Emotion.HAPPY: ("happy",),
    Emotion.SAD: ("sad",),
    Emotion.ANGRY: ("angry",),
    Emotion.FEARFUL: ("fear",),
    Emotion.DISGUSTED: ("disgust", "hate"),
    Emotion.SURPRISED: ("surprise",),
}


def allowed_rows(voice: VoiceFiles) -> tuple[str, ...]:
    """Names of the rows that the voice learned, "neutral" first. Raises `ModelError` for a wrong emotions.json."""
    name = f"{voice.folder}/emotions.json"
    if not voice.files.exists(name):
        return OFFICIAL.get(voice.name, (_NEUTRAL,))
    place = voice.files.label(name)
    try:
        document = json.loads(voice.files.read(name))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{place} is no JSON: {error}") from error
    names = document.get("emotions") if isinstance(document, dict) else None
    known = [row.removeprefix(_PREFIX) for row in EMOTIONS]
    if not isinstance(names, list):
        raise ModelError(f'{place} must hold {{"emotions": [...]}}')
    for name in names:
        if name not in known:
            raise ModelError(f"{place}: there is no emotion {name!r}; there are: {', '.join(known)}")
    return tuple(dict.fromkeys([_NEUTRAL, *names]))


def portable(rows: tuple[str, ...]) -> tuple[Emotion, ...]:
    """The portable emotions among the rows."""
    return tuple(emotion for emotion, names in PORTABLE.items() if any(name in rows for name in names))


def row_of(emotion: Emotion, extra: object, rows: tuple[str, ...], voice: str) -> str:
    """The table's symbol, such as "emotion_happy", for a portable emotion or for a row named in `extra`.

    Raises `UnsupportedEmotion` listing what the voice can do.
    """
    wanted: tuple[str, ...] = PORTABLE[emotion]
    if extra is not None:
        wanted = (str(extra).strip().lower().removeprefix(_PREFIX),)
    found = next((name for name in wanted if name in rows), None)
    if found is None:
        asked = emotion.value if extra is None else str(extra)
        able = ", ".join(portable(rows))
        more = ", ".join(rows)
        raise UnsupportedEmotion(
            f"voice {voice!r} cannot speak {asked[:40]!r}; it can: {able} (its own names, for extra: {more})",
            param="emotion",
        )
    return _PREFIX + found
