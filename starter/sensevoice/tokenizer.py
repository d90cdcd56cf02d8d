# SPDX-License-Identifier: Apache-2.0
"""Make the sentencepiece model: one piece a character for Chinese, unigram pieces for English, the official tags.

    python tokenizer.py OUT/chn_jpn_yue_eng_ko_spectok.bpe.model

Id 0 is `<unk>`, which is also the CTC blank, as in the official SenseVoiceSmall.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from random import Random
from typing import Any

import sentencepiece
from dictionary import Dictionary
from sentencepiece import sentencepiece_model_pb2
from text import Sentences, plain

ModelProto: Any = vars(sentencepiece_model_pb2)["ModelProto"]  # protobuf makes it at import
ENGLISH_PIECES = 2300
COMMON_CHARACTERS = 2900
CHARACTER_SCORE = -8.0
LANGUAGES = ("zh", "en", "yue", "ja", "ko", "nospeech")
EMOTIONS = ("HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED", "OTHER", "EMO_UNKNOWN")
EVENTS = (
    *("Speech", "/Speech", "BGM", "/BGM", "Laughter", "/Laughter", "Applause", "/Applause"),
    *("Cry", "Sneeze", "Breath", "Cough", "Sing", "Speech_Noise", "GBG", "Event_UNK"),
)
ITN = ("withitn", "woitn")
MARKS = "，。？！、：；“”《》…"


def english_model(rng: Random) -> Any:  # noqa: ANN401 - generated protobuf classes have no types
    """Unigram pieces of the English sentences, with capitals and marks for every second one."""
    sentences = Sentences("en")
    drawn = [sentences.draw(rng) for _ in range(40_000)]
    # A leading space, as every word of a target has: otherwise the first words teach pieces without one.
    lines = [" " + (sentence if index % 3 == 0 else plain(sentence)) for index, sentence in enumerate(drawn)]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=written,
        vocab_size=ENGLISH_PIECES,
        model_type="unigram",
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        minloglevel=2,
    )
    model = ModelProto()
    model.ParseFromString(written.getvalue())
    return model


def characters() -> list[str]:
    """Every character of the templates and the commonest of jieba's dictionary, in code point order."""
    wanted = set(Dictionary().commonest_characters(COMMON_CHARACTERS)) | Sentences("zh").characters()
    return sorted({letter for letter in wanted if "\u4e00" <= letter <= "\u9fff"} | set(MARKS))


def build() -> bytes:
    """The serialised sentencepiece model."""
    model = english_model(Random(1))
    known = {piece.piece for piece in model.pieces}
    for letter in [*characters(), *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]:
        if letter not in known:
            model.pieces.add(piece=letter, score=CHARACTER_SCORE, type=ModelProto.SentencePiece.NORMAL)
            known.add(letter)
    for tag in (*LANGUAGES, *EVENTS, *EMOTIONS, *ITN):
        model.pieces.add(piece=f"<|{tag}|>", score=0.0, type=ModelProto.SentencePiece.USER_DEFINED)
    written: bytes = model.SerializeToString()
    return written


def main() -> None:
    """Write the model to the path given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(build())


if __name__ == "__main__":
    main()
