"""The emotion that free instructions name plainly: "Speak in a happy, cheerful tone", 用悲伤的语气.

Instructions are written for models that follow any of them; our engines follow an emotion. What is not plain is left
alone: text with a negation, with two different emotions, or with an emotion that describes something else than the
manner of speaking ("the customer is angry").
"""

from __future__ import annotations

import re

from tingshuo.types import Emotion

#: Words taken for an emotion. English: adjectives, adverbs, nouns; Chinese: what stands before 的语气 or 地说.
WORDS: dict[Emotion, str] = {
    Emotion.NEUTRAL: "neutral neutrally unemotional matter-of-fact 中性 平静 平淡 客观",
    Emotion.HAPPY: "happy happily happiness cheerful cheerfully cheerfulness cheery joyful joyfully joyous joy "
    "delighted upbeat merry merrily 高兴 开心 快乐 愉快 欢快 喜悦 欢乐 兴高采烈",
    Emotion.SAD: "sad sadly sadness sorrowful sorrowfully sorrow melancholy melancholic mournful mournfully gloomy "
    "heartbroken tearful tearfully 悲伤 伤心 难过 悲痛 忧伤 哀伤 沉痛 悲哀",
    Emotion.ANGRY: "angry angrily anger furious furiously fury irate enraged outraged "
    "rage 愤怒 生气 恼怒 气愤 愤慨 暴怒",
    Emotion.FEARFUL: "fearful fearfully fear scared frightened afraid terrified 恐惧 害怕 惊恐 惧怕 惊慌",
    Emotion.DISGUSTED: "disgusted disgustedly disgust 厌恶 嫌弃 反感 恶心",
    Emotion.SURPRISED: "surprised surprise astonished astonishment amazed amazement 惊讶 吃惊 惊奇 诧异",
}
_EMOTION_OF = {word: emotion for emotion, words in WORDS.items() for word in words.split()}

_ENGLISH = "|".join(sorted((word for word in _EMOTION_OF if word.isascii()), key=len, reverse=True))
_CHINESE = "|".join(word for word in _EMOTION_OF if not word.isascii())
_ANY = re.compile(rf"\b(?:{_ENGLISH})\b|{_CHINESE}", re.IGNORECASE)
_MANNER = r"(?:tone|voice|manner|mood|style|way|emotion|feeling|attitude|delivery|affect)\b"
_FILLER = r"(?:it|this|that|out|loud|aloud|as if you are|like you are|very|really|truly|so|quite|more|extremely)"
#: Up to five other words beside the emotion: "a very happy, warm and friendly".
_BESIDE = r"(?:[a-z'-]+[, ]+){0,5}?"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # the word alone, or a list of such: "Sad." "cheerful, upbeat"
        rf"\A\W{{0,9}}(?P<words>(?:{_ENGLISH}|{_CHINESE})(?:\W{{1,3}}(?:and\s)?(?:{_ENGLISH}|{_CHINESE}))*)\W{{0,9}}\Z",
        # "in a happy, cheerful tone"
        rf"\b(?:in|with|use|using|adopt)\s+(?P<words>{_BESIDE}(?:{_ENGLISH})\b[a-z', -]{{0,60}}?)\b{_MANNER}",
        # "Cheerful and positive tone"
        rf"(?:\A|[.;\n])\s*(?:an?\s+)?(?:very\s+)?(?P<words>(?:{_ENGLISH})\b[a-z, -]{{0,60}}?)\b{_MANNER}",
        # "Speak very sadly", "Sound cheerful", "say it angrily"
        rf"\b(?:speak|say|talk|read|sound|act|narrate|whisper|shout)\s+(?:{_FILLER}\s+){{0,4}}(?P<words>{_ENGLISH})\b",
        # "Be happy." but not "I will be happy to"
        rf"(?:\A|[.;!\n])\s*be\s+(?:{_FILLER}\s+){{0,2}}(?P<words>{_ENGLISH})\b",
        # "with great joy", "full of anger"
        rf"\b(?:with|full of)\s+(?:(?:great|deep|much|some|lots of|real)\s+)?(?P<words>{_ENGLISH})\s*(?:[.,;!]|\Z)",
        # "Tone: cheerful and warm", "Emotion: sad"
        rf"(?:\A|[.;\n])\s*(?:tone|emotion|mood|(?:voice )?affect|voice)\s*[:=]\s*(?P<words>{_BESIDE}(?:{_ENGLISH}))\b",
        # 用非常悲伤的语气, 以愤怒、激动的口吻, 开心的声音. The list is short: 和 may join words and stand in one, and
        # with each further one there are more ways to read it.
        rf"(?P<words>(?:{_CHINESE})(?:[、，和又且而][\u4e00-\u9fff]{{1,4}}?){{0,4}})[的地]?"
        r"(?:语气|口吻|声音|语调|情绪|情感|心情|口气|感情|腔调|方式|语音)",
        # 伤心地说, 高兴地朗读
        rf"(?P<words>{_CHINESE})[地的]\s*(?:说|读|念|讲|问|朗读|播报|播音|回答|喊|叫|告诉)",
        # 语气要悲伤, 情绪：愤怒
        r"(?:语气|口吻|情绪|情感|语调|感情|口气)(?:要|应该|应|请|尽量|是|为|得|:|：|\s){0,4}"
        rf"(?:非常|很|十分|比较|特别|更|稍微|有点)?(?P<words>{_CHINESE})",
    )
)
#: Contracted and full negations, and Chinese ones where 别 and 非 are no part of 特别, 分别, 非常.
_NEGATION = re.compile(
    r"\b(?:not|no|never|without|avoid|less|neither|nor|isn't|don't|do not|doesn't|rather than|instead of)\b"
    r"|n't\b|不|没|勿|避免|无需|而非|(?<![特分个区告])别",
    re.IGNORECASE,
)
#: Longer instructions describe much; a plain wish is short.
_LONGEST = 2_000


def named_emotion(instructions: str) -> Emotion | None:
    """The one emotion that `instructions` plainly ask for, else None."""
    if len(instructions) > _LONGEST:
        return None
    # White space counts once: the patterns allow any, and long runs of it would be tried from each of its places.
    lines = (" ".join(line.split()) for line in instructions.replace("\u2019", "'").splitlines())
    text = "\n".join(line for line in lines if line)
    if not text or _NEGATION.search(text):
        return None
    manners = [match["words"] for pattern in _PATTERNS for match in pattern.finditer(text)]
    found = {emotion for words in manners for emotion in _emotions(words)}
    # A second emotion anywhere is a change of mood, or somebody else's.
    return found.pop() if len(found) == 1 and found == _emotions(text) else None


def _emotions(text: str) -> set[Emotion]:
    return {_EMOTION_OF[word.lower()] for word in _ANY.findall(text)}
