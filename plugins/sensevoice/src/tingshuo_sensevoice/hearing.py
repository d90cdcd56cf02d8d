"""What the network answered -> segments of a transcript."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tingshuo import AudioEvent, Emotion, EventLabel, Segment, Transcript
from tingshuo.types import UNKNOWN
from tingshuo.types import Token as TextToken
from tingshuo_sensevoice.model import SAMPLE_RATE, AcousticModel, Heard, Token
from tingshuo_sensevoice.spans import Span
from tingshuo_sensevoice.words import SPACE, Clock, join_texts, words_of

#: Seconds kept of the voice-activity span before the first and after the last token: CTC marks a point within a
#: character of about 0.2 s, not its edges.
COLLAR = 0.2


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of audio that is recognised as one. Outside speech, only events count."""

    span: Span
    speech: bool


def segment_of(
    piece: Piece, heard: Heard, model: AcousticModel, *, words: bool, logprobs: bool = False
) -> Segment | None:
    """The segment for a piece; None where nothing was said and nothing else was heard."""
    tags = model.tags
    clock = Clock(piece.span.start / SAMPLE_RATE, piece.span.end / SAMPLE_RATE, model.frame, model.first_centre)
    spoken = [token for token in heard.tokens if token.id not in tags.silent] if piece.speech else []
    text = model.decode([token.id for token in spoken]).strip()
    events = _events(heard, model, clock)
    if not text and not events:
        return None
    start, end = _refined(spoken, clock) if text else (round(clock.start, 3), round(clock.end, 3))
    return Segment(
        start=start,
        end=end,
        text=text,
        language=heard.language if text else None,
        emotion=_emotion(heard.emotion_scores) if piece.speech else None,
        emotion_scores=heard.emotion_scores if piece.speech else {},
        events=events,
        words=tuple(words_of(heard.tokens, model.pieces.id_to_piece, tags.silent, clock)) if words and text else (),
        timing="model" if text else "vad",
        raw=raw_text(heard, model),
        tokens=tuple(_text_token(token, model) for token in spoken) if logprobs else (),
    )


def _text_token(token: Token, model: AcousticModel) -> TextToken:
    # The score is the probability in the best of the token's frames; rounding may take it past 1.
    return TextToken(model.pieces.id_to_piece(token.id).replace(SPACE, " "), min(0.0, math.log(token.score)))


def raw_text(heard: Heard, model: AcousticModel) -> str:
    """Tags and text as FunASR writes them."""
    return model.decode([*heard.tags, *(token.id for token in heard.tokens)])


def _refined(spoken: Sequence[Token], clock: Clock) -> tuple[float, float]:
    first, last = clock.begin_of(spoken[0].start), clock.begin_of(spoken[-1].end)
    return round(max(clock.start, first - COLLAR), 3), round(min(clock.end, last + COLLAR), 3)


def _emotion(scores: Mapping[str, float]) -> Emotion | None:
    best = max(scores, key=lambda name: scores[name])
    return None if best == UNKNOWN else Emotion(best)


def _events(heard: Heard, model: AcousticModel, clock: Clock) -> tuple[AudioEvent, ...]:
    """The event of the whole piece, then those tagged within the text, which have times."""
    within = _events_within(heard.tokens, model, clock)
    if heard.event is None or any(event.label == heard.event for event in within):
        return tuple(within)
    return (AudioEvent(heard.event, heard.event_score), *within)


def _events_within(tokens: Sequence[Token], model: AcousticModel, clock: Clock) -> list[AudioEvent]:
    """Opening tags start an event, closing ones end it; an event lacks the time whose tag is missing."""
    events: list[AudioEvent] = []
    open_at: dict[EventLabel, int] = {}
    for token in tokens:
        label, closes = model.tags.events.get(token.id), model.tags.event_ends.get(token.id)
        if label and label not in open_at:
            open_at[label] = len(events)
            events.append(AudioEvent(label, token.score, start=clock.begin_of(token.start)))
        elif closes and closes in open_at:
            index = open_at.pop(closes)
            begun = events[index]
            score = max(begun.score, token.score)
            events[index] = AudioEvent(closes, score, begun.start, clock.begin_of(token.end))
        elif closes:
            events.append(AudioEvent(closes, token.score, end=clock.begin_of(token.end)))
    return events


def transcript_of(segments: Sequence[Segment], duration: float) -> Transcript:
    """Segments in order of time -> the whole."""
    seconds: dict[str, float] = {}
    for segment in segments:
        if segment.language:
            seconds[segment.language] = seconds.get(segment.language, 0.0) + segment.end - segment.start
    return Transcript(
        text=join_texts(segment.text for segment in segments),
        language=max(seconds, key=lambda code: seconds[code], default=None),
        duration=duration,
        segments=tuple(segments),
    )
