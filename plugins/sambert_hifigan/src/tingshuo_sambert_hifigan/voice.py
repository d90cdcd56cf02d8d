"""A voice in memory: symbol lines in, samples out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tingshuo import EngineFailed, InvalidRequest
from tingshuo_sambert_hifigan.hifigan import VOICED
from tingshuo_sambert_hifigan.pnca import Plan
from tingshuo_sambert_hifigan.postnet import PostnetState
from tingshuo_sambert_hifigan.sambert import Line, Prosody, Sambert
from tingshuo_sambert_hifigan.stepper import Stepper
from tingshuo_sambert_hifigan.streaming import STREAMED, Steps, VocoderStream
from tingshuo_sambert_hifigan.symbols import Alphabet
from tingshuo_sambert_hifigan.tables import NEUTRAL, NO_EMOTION
from tingshuo_sambert_hifigan.vocoder import Vocoder

#: Hz; upstream lets no f0 fall below it, voiced or not.
LOWEST_F0 = 30.0
#: Mean over standard deviation of speakers' f0 where the voice does not tell: about 220 Hz over 55 Hz.
USUAL_F0_RATIO = 4.0
#: Lines decoded in lock step, and symbols of all of them together: bounds memory, and 8 already give most of the gain.
BATCH_LINES, BATCH_SYMBOLS = 8, 800
#: Frames of the decoder that go through the postnet together, at most: pieces grow from what the first window needs.
POSTNET_FRAMES = 240
#: A line of 100 syllables lasts 25 s; more than this means weights that are no voice.
MAX_LINE_SECONDS = 120.0
#: A symbol line longer than upstream's table of positions is no sentence.
MAX_SYMBOLS = 2_000


@dataclass(frozen=True, slots=True)
class F0Scale:
    """How the frames' normalised f0 becomes Hz: f0 * scale + offset.

    precision: of the product and sum. Upstream's statistics are float64 arrays and widen both; rounding them to
    float32 shifts the eighth harmonic by a thousandth of a cycle in four seconds.
    """

    scale: float
    offset: float
    precision: torch.dtype = torch.float32


@dataclass(frozen=True, slots=True)
class Style:
    """How to speak.

    emotion, speaker: symbols that replace those of the lines; None leaves them. intensity: 0 is neutral, 1 the
    voice's own, 2 twice as far from neutral. speed: factor on the tempo. semitones: on the pitch.
    """

    emotion: str | None = None
    intensity: float = 1.0
    speed: float = 1.0
    semitones: float = 0.0
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedVoice:
    """Weights and tables of a voice. Nothing in it changes while it speaks, so threads may share it.

    stepper: the acoustic model's loops where they run on a CPU. f0: of NSF voices. f0_ratio: mean over standard
    deviation of the speaker's f0. speaker: [speaker_units] of a voice with a speaker embedding.
    """

    name: str
    alphabet: Alphabet
    acoustic: Sambert
    stepper: Stepper | None
    vocoder: Vocoder
    sample_rate: int
    device: torch.device
    f0: F0Scale | None = None
    f0_ratio: float = USUAL_F0_RATIO
    speaker: Tensor | None = None

    @property
    def neutral(self) -> int:
        """Id of the neutral emotion."""
        return self._emotion_id(NEUTRAL)

    def _emotion_id(self, symbol: str) -> int:
        return tuple(self.alphabet.features["emo_category"]).index(symbol)

    def line(self, symbols: str, style: Style) -> Line:
        """The model's input for a symbol line; raises `InvalidRequest` for a symbol the voice does not have."""
        ids = self.alphabet.encode(symbols)[:, :-1]
        if ids.shape[1] > MAX_SYMBOLS:
            raise InvalidRequest(f"a line has {ids.shape[1]} symbols; at most {MAX_SYMBOLS}", param="input")
        silent = (ids[-2] == self._emotion_id(NO_EMOTION)) | self.alphabet.is_break(ids)
        if style.emotion is not None:
            # Breaks carry no emotion, as in the lines of the official front end.
            ids[-2] = np.where(silent, self._emotion_id(NO_EMOTION), self._emotion_id(style.emotion))
        if style.speaker is not None:
            ids[-1] = tuple(self.alphabet.features["speaker_category"]).index(style.speaker)
        weights = None
        if style.intensity != 1:
            weights = torch.from_numpy(np.where(silent, 1, style.intensity).astype(np.float32)).to(self.device)
        return Line(torch.from_numpy(ids.astype(np.int64)).to(self.device), weights, self.speaker)

    def prosody(self, style: Style) -> Prosody:
        """What of the style the acoustic model works with.

        A voice with f0 frames is shifted there, exactly; of the others only the predicted pitch can be moved, whose
        effect is as exact as what the voice learned.
        """
        if self.f0 is not None or style.semitones == 0:
            return Prosody(speed=style.speed)
        factor = 2 ** (style.semitones / 12)
        return Prosody(style.speed, pitch_scale=factor, pitch_offset=(factor - 1) * self.f0_ratio)

    @torch.inference_mode()
    def speak(self, lines: Sequence[str], style: Style, steps: Steps) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """The number of a line and samples [L] of it, in order; the first line alone, so that it comes early."""
        inputs = [self.line(symbols, style) for symbols in lines]
        for first, batch in batches(inputs):
            plans = self.plan(batch, style)
            for index, mels in enumerate(self.mels(plans)):
                for samples in self.samples(plans[index], mels, style, steps):
                    yield first + index, samples.cpu().numpy()

    def plan(self, batch: Sequence[Line], style: Style, *, exact: bool = False) -> list[Plan]:
        """Plans of the lines, `exact` to upstream's last bit; raises `EngineFailed` where one would never end."""
        plans = self.acoustic.plan(batch, self.neutral, self.prosody(style), None if exact else self.stepper)
        for plan, line in zip(plans, batch, strict=True):
            seconds = plan.frames * self.vocoder.config.hop / self.sample_rate
            if seconds > MAX_LINE_SECONDS:
                count = line.ids.shape[1]
                raise EngineFailed(
                    f"voice {self.name!r} gave {count} symbols {seconds:.0f} s; its weights are no voice"
                )
        return plans

    def mels(self, plans: Sequence[Plan]) -> Iterator[Iterator[Tensor]]:
        """For each line its finished mel frames [1, n, M], piece by piece."""
        decoded = self.acoustic.decode(plans, self.stepper)
        if len(plans) == 1:
            first = STREAMED.sizes[0] + self.acoustic.mel_postnet.ahead
            yield self.finished(plans[0].frames, gathered(decoded, first))
            return
        steps = list(decoded)
        together = torch.cat(steps, dim=1) if steps else None
        for index, plan in enumerate(plans):
            pieces = [] if together is None else [together[index : index + 1]]
            yield self.finished(plan.frames, iter(pieces))

    def finished(self, frames: int, decoded: Iterator[Tensor]) -> Iterator[Tensor]:
        """Decoder frames of a line, cut to its length, through the postnet."""
        state, received = PostnetState(), 0
        for piece in decoded:
            piece = piece[:, : frames - received]
            received += piece.shape[1]
            if not piece.shape[1]:
                return
            mel = self.acoustic.mel_postnet.push(piece, state, last=received == frames)
            if mel.shape[1]:
                yield mel

    def samples(self, plan: Plan, mels: Iterator[Tensor], style: Style, steps: Steps) -> Iterator[Tensor]:
        """Samples [L] of a line, step by step."""
        draws = None
        if self.vocoder.config.harmonics:
            # Always the same draws: the same text gives the same samples, in whatever thread.
            draws = self.vocoder.source_module.draw(plan.frames, seed=0)
        stream = VocoderStream(self.vocoder, plan.frames, draws, steps)
        for mel in mels:
            yield from stream.push(self.in_hertz(mel, style.semitones))

    def in_hertz(self, mel: Tensor, semitones: float) -> Tensor:
        """Mel [1, n, M] with f0 in Hz and voicing 0 or 1 of an NSF voice; unchanged of any other."""
        if self.f0 is None:
            return mel
        f0 = mel[..., -2].to(self.f0.precision) * self.f0.scale + self.f0.offset
        f0 = f0.to(mel).clamp(min=LOWEST_F0)
        if semitones:
            f0 = (f0 * 2 ** (semitones / 12)).clamp(min=LOWEST_F0)
        voiced = (mel[..., -1] >= VOICED).to(mel)
        return torch.cat([mel[..., :-2], f0[..., None], voiced[..., None]], dim=-1)


def gathered(decoded: Iterator[Tensor], size: int) -> Iterator[Tensor]:
    """The decoder's small steps joined to `size` frames or a little more, then to twice as many, and so on."""
    waiting: list[Tensor] = []
    for frames in decoded:
        waiting.append(frames)
        if len(waiting) * frames.shape[1] >= size:
            yield torch.cat(waiting, dim=1)
            waiting, size = [], min(2 * size, POSTNET_FRAMES)
    if waiting:
        yield torch.cat(waiting, dim=1)


def batches(lines: Sequence[Line]) -> Iterator[tuple[int, list[Line]]]:
    """The lines in order with the number of the first: one alone, then as many as the limits allow."""
    start = 0
    while start < len(lines):
        end, symbols = start + 1, lines[start].ids.shape[1]
        while start and end < len(lines) and end - start < BATCH_LINES:
            symbols += lines[end].ids.shape[1]
            if symbols > BATCH_SYMBOLS:
                break
            end += 1
        yield start, list(lines[start:end])
        start = end
