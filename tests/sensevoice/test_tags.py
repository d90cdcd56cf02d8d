"""Tags are found by their text, whatever ids a tokenizer gives them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch

from tingshuo import AudioEvent, Emotion, EventLabel, ModelError
from tingshuo_sensevoice.hearing import Piece, segment_of
from tingshuo_sensevoice.model import AcousticModel, Heard, Question, Token, load_acoustic_model
from tingshuo_sensevoice.spans import Span
from tingshuo_sensevoice.tags import find_tags
from tingshuo_sensevoice.testing import speechlike, tokenizer_bytes, write_sensevoice


def heard(model: AcousticModel, text: Sequence[str], **answer: object) -> Heard:
    """An answer whose tokens are the pieces of `text`, one frame each, ten frames apart."""
    ids = [model.pieces.piece_to_id(piece) for piece in text]  # type: ignore[attr-defined]
    assert 0 not in ids
    given: Mapping[str, object] = {
        "language": "zh",
        "language_scores": {"zh": 1.0},
        "emotion_scores": {"neutral": 0.7, "unknown": 0.3},
        "event": None,
        "event_score": 0.9,
        "tags": (1, 1, 1, 1),
        "tokens": tuple(Token(index, 10 * at, 10 * at + 1, 0.5) for at, index in enumerate(ids)),
    }
    return Heard(**{**given, **answer})  # type: ignore[arg-type]


SPEECH = Piece(Span(0, 160_000), speech=True)
OTHER = Piece(Span(0, 160_000), speech=False)


def test_another_order_of_ids_means_the_same() -> None:
    first, second = (
        find_tags(sentencepiece.SentencePieceProcessor(model_proto=tokenizer_bytes(seed)), "x") for seed in (1, 2)
    )
    assert first.languages != second.languages
    assert sorted(first.languages) == sorted(second.languages) == ["en", "ja", "ko", "nospeech", "yue", "zh"]
    assert sorted(first.emotions.values()) == sorted(second.emotions.values())
    assert len(first.events) == 12
    assert sorted(first.event_ends.values()) == ["applause", "laughter", "music"]


@pytest.mark.parametrize("seed", [3, 4])
def test_a_model_with_permuted_tags_answers_what_is_asked(seed: int, tmp_path: Path) -> None:
    model = load_acoustic_model(write_sensevoice(tmp_path, seed))
    for language in ("zh", "yue", "ko"):
        answer = model.hear([speechlike(4.0, 1)], [Question(language=language, itn=False)])[0]
        names = [model.tags.names[index] for index in answer.tags]
        assert names[0] == f"<|{language}|>"
        assert names[3] == "<|woitn|>"


def test_a_tokenizer_without_tags_is_refused() -> None:
    written = io.BytesIO()
    words = iter(["one two three four five", "six seven eight nine ten"])
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=words, model_writer=written, vocab_size=30, hard_vocab_limit=False, minloglevel=2
    )
    with pytest.raises(ModelError, match="has no language tag"):
        find_tags(sentencepiece.SentencePieceProcessor(model_proto=written.getvalue()), "x.model")


def test_scores_of_a_class_add_up_to_one(acoustic: AcousticModel) -> None:
    answer = acoustic.hear([speechlike(3.0, 5)], [Question()])[0]
    assert sum(answer.language_scores.values()) == pytest.approx(1, abs=1e-5)
    assert sum(answer.emotion_scores.values()) == pytest.approx(1, abs=1e-5)
    assert set(answer.emotion_scores) == {*Emotion, "unknown"}


def test_forcing_an_emotion_bans_unknown_and_other(acoustic: AcousticModel) -> None:
    clips = [speechlike(1.0 + 0.7 * seed, seed) for seed in range(8)]
    free = [acoustic.hear([clip], [Question()])[0] for clip in clips]
    forced = [acoustic.hear([clip], [Question(force_emotion=True)])[0] for clip in clips]
    assert any(max(one.emotion_scores, key=one.emotion_scores.__getitem__) == "unknown" for one in free)
    assert all(set(one.emotion_scores) == set(Emotion) for one in forced)


def test_only_known_tags_are_left_out_of_the_text(acoustic: AcousticModel) -> None:
    answer = heard(acoustic, ["今", "<|HAPPY|>", "天", "<|withitn|>", "。"])
    segment = segment_of(SPEECH, answer, acoustic, words=True)
    assert segment is not None
    assert segment.text == "今天。"
    assert [word.text for word in segment.words] == ["今", "天。"]
    assert "<|HAPPY|>" in segment.raw


def test_the_most_likely_emotion_is_that_of_the_segment(acoustic: AcousticModel) -> None:
    said = ["今"]
    happy = segment_of(
        SPEECH, heard(acoustic, said, emotion_scores={"happy": 0.6, "unknown": 0.4}), acoustic, words=False
    )
    unknown = segment_of(
        SPEECH, heard(acoustic, said, emotion_scores={"sad": 0.4, "unknown": 0.6}), acoustic, words=False
    )
    assert happy is not None
    assert unknown is not None
    assert (happy.emotion, happy.emotion_score) == (Emotion.HAPPY, 0.6)
    assert (unknown.emotion, unknown.emotion_score) == (None, 0.6)


def test_tags_within_the_text_give_an_event_its_times(acoustic: AcousticModel) -> None:
    answer = heard(
        acoustic, ["<|BGM|>", "今", "<|/BGM|>", "天", "<|Laughter|>", "<|/Applause|>"], event=EventLabel.MUSIC
    )
    segment = segment_of(SPEECH, answer, acoustic, words=False)
    assert segment is not None
    music, laughter, applause = segment.events
    assert (music.label, music.start) == (EventLabel.MUSIC, 0.0)
    assert music.end == pytest.approx(1.243, abs=0.002)
    assert (laughter.label, laughter.end) == (EventLabel.LAUGHTER, None)
    assert laughter.start == pytest.approx(2.382, abs=0.002)
    assert (applause.label, applause.start) == (EventLabel.APPLAUSE, None)
    assert applause.end is not None


def test_the_event_of_a_whole_segment_has_a_score_and_no_times(acoustic: AcousticModel) -> None:
    segment = segment_of(SPEECH, heard(acoustic, ["今"], event=EventLabel.COUGHING), acoustic, words=False)
    assert segment is not None
    assert segment.events == (AudioEvent(EventLabel.COUGHING, 0.9),)


def test_outside_speech_only_events_count(acoustic: AcousticModel) -> None:
    segment = segment_of(OTHER, heard(acoustic, ["今"], event=EventLabel.APPLAUSE), acoustic, words=True)
    assert segment is not None
    assert (segment.text, segment.language, segment.emotion, segment.words, segment.timing) == (
        "",
        None,
        None,
        (),
        "vad",
    )
    assert segment_of(OTHER, heard(acoustic, ["今"]), acoustic, words=True) is None


def test_a_segment_begins_and_ends_at_most_a_collar_from_what_was_said(acoustic: AcousticModel) -> None:
    answer = heard(acoustic, ["今", "天"])
    late = tuple(Token(token.id, token.start + 50, token.end + 50, 0.5) for token in answer.tokens)
    segment = segment_of(SPEECH, heard(acoustic, ["今"], tokens=late), acoustic, words=True)
    assert segment is not None
    assert segment.timing == "model"
    assert segment.start == pytest.approx(segment.words[0].start - 0.2, abs=1e-3)
    assert segment.end == pytest.approx(segment.words[-1].end + 0.2, abs=1e-3)


def test_tokens_are_collapsed_and_blanks_dropped(acoustic: AcousticModel) -> None:
    logits = torch.full((12, acoustic.pieces.get_piece_size()), -5.0)
    path = [7, 8, 9, 10, 10, 0, 20, 20, 0, 20, 21, 0]  # four tags, the last of which lasts a frame longer
    logits[range(12), path] = 5.0
    tokens = acoustic._tokens(logits)
    assert [(token.id, token.start, token.end) for token in tokens] == [(20, 2, 4), (20, 5, 6), (21, 6, 7)]
    assert np.allclose([token.score for token in tokens], 1.0, atol=0.05)
