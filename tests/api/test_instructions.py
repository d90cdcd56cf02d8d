"""Which free instructions are taken for an emotion: plain ones only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tingshuo import Emotion
from tingshuo.api.instructions import WORDS, named_emotion


@pytest.mark.parametrize(
    ("instructions", "emotion"),
    [
        ("Sad", "sad"),
        (" angry! ", "angry"),
        ("Cheerful, upbeat.", "happy"),
        ("Speak in a happy, cheerful tone", "happy"),
        ("Speak in a cheerful and positive tone.", "happy"),
        ("A cheerful voice.", "happy"),
        ("Speak with a sad, slow and low voice", "sad"),
        ("Say it in a very, very sad way", "sad"),
        ("Sound furious", "angry"),
        ("speak angrily and fast", "angry"),
        ("Be surprised.", "surprised"),
        ("Read the sentence with great joy.", "happy"),
        ("Tone: fearful, trembling\nPace: slow", "fearful"),
        ("Voice Affect: disgusted", "disgusted"),
        ("in a neutral tone", "neutral"),
        ("高兴", "happy"),
        ("用悲伤的语气", "sad"),
        ("请用非常高兴的语气朗读", "happy"),
        ("以愤怒、激动的口吻", "angry"),
        ("特别开心的声音", "happy"),
        ("伤心地说", "sad"),
        ("惊讶地问：", "surprised"),
        ("语气要愤怒一些", "angry"),
        ("情绪：恐惧", "fearful"),
    ],
)
def test_plain_instructions_name_an_emotion(instructions: str, emotion: str) -> None:
    assert named_emotion(instructions) == emotion


@pytest.mark.parametrize(
    "instructions",
    [
        "",
        "Speak like a pirate.",
        "Speak slowly and clearly.",
        "not sad",
        "Don't sound angry.",
        "Speak without anger",
        "不要悲伤",
        "别用愤怒的语气",
        "Start sad, then sound happy.",
        "先用悲伤的语气，后来用高兴的语气",
        "The customer is angry; calm them down.",
        "You will be happy to help.",
        "The tone of the angry man was scary.",
        "he said in anger management class",
        "很高兴为您服务",
        "讲一个悲伤的故事",
    ],
)
def test_what_is_not_plain_names_none(instructions: str) -> None:
    assert named_emotion(instructions) is None


def test_every_word_alone_names_its_own_emotion() -> None:
    for emotion, words in WORDS.items():
        assert {named_emotion(word) for word in words.split()} == {emotion}


def test_the_words_are_those_of_the_documentation() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
    for emotion, words in WORDS.items():
        assert f"| `{emotion}` | {', '.join(words.split())} |" in page


@pytest.mark.parametrize(
    "part", ["-", "in ", "in a happy ", "very, ", "高兴、", "tone:", " \n", "with abc, ", "\n", "高兴和和和和"]
)
@pytest.mark.timeout(60)  # more than linear work takes hours
def test_hostile_instructions_come_to_an_end(part: str) -> None:
    long = part * (100_000 // len(part))
    for text in (long, ("a" + part * 2_000)[:1_999] + "a", "高兴" + (part * 60)[:60]):
        assert named_emotion(text) in (None, *Emotion)
