"""The `sensevoice` recognizer."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tingshuo import (
    Audio,
    ConfigurationError,
    InvalidAudio,
    InvalidRequest,
    Model,
    ModelError,
    Recognizer,
    Settings,
    cancellation,
    progress,
)
from tingshuo.errors import UnsupportedLanguage
from tingshuo.types import Segment, TranscribeOptions, Transcript, VoiceActivity
from tingshuo.weights import find_model
from tingshuo_sensevoice import __version__
from tingshuo_sensevoice.config import ENGINE, read_config
from tingshuo_sensevoice.spans import (
    MAX_SAMPLES,
    MIN_SAMPLES,
    at_least_a_window,
    block_levels,
    cut,
    loud_gaps,
    merge,
    padded,
)
from tingshuo_sensevoice.tags import LANGUAGES

if TYPE_CHECKING:  # torch and funasr are imported by load(), not at start-up
    from tingshuo_sensevoice.hearing import Piece
    from tingshuo_sensevoice.model import AcousticModel, Heard
    from tingshuo_sensevoice.vad import VoiceDetector

HUB_MODEL = "iic/SenseVoiceSmall"
HUB_VAD = "iic/speech_fsmn_vad_zh-cn-16k-common-pytorch"
STARTER = Path(__file__).parent / "starter"
#: Parameters below which one thread is fastest: several would spend their time waiting for each other, the more so on
#: a busy machine (the starter model took eight times as long with two).
SMALL = 20_000_000


class SenseVoice(Recognizer):
    """Text, language, emotion and sound events of Chinese, English, Cantonese, Japanese and Korean speech."""

    name = ENGINE
    version = __version__
    licence: ClassVar[str] = "code: Apache-2.0; FunASR: MIT; official weights: FunASR Model Open Source License 1.1"
    source: ClassVar[str] = "https://github.com/FunAudioLLM/SenseVoice"
    hub_models: ClassVar[tuple[str, ...]] = (HUB_MODEL, HUB_VAD)
    sample_rate = 16000
    languages = LANGUAGES
    finds_speech = True
    gives_logprobs: ClassVar[bool] = True
    takes_vad: ClassVar[bool] = True
    #: What a call changes lies in the call: FunASR keeps the state of its streams in a cache that is passed along.
    thread_safe = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.config = read_config(settings)
        self.device = self.config.device
        self._acoustic: AcousticModel | None = None
        self._detector: VoiceDetector | None = None

    def model(self) -> Model:
        """The SenseVoiceSmall in use; without its voice detector there is none."""
        self.vad_model()
        return _existing(find_model(self._settings, self.config.model, HUB_MODEL, STARTER / "SenseVoiceSmall"))

    def vad_model(self) -> Model:
        """The FSMN-VAD in use."""
        return _existing(find_model(self._settings, self.config.vad_model, HUB_VAD, STARTER / "fsmn-vad"))

    def load(self) -> None:
        """Read both models; raises `ModelError` for what is wrong with them."""
        import torch

        from tingshuo_sensevoice.model import load_acoustic_model
        from tingshuo_sensevoice.vad import load_voice_detector

        if self.config.device != "cpu" and not torch.cuda.is_available():
            raise ConfigurationError(f"TINGSHUO_SENSEVOICE_DEVICE={self.config.device}, but torch finds no CUDA device")
        detector = load_voice_detector(_folder(self.vad_model()))
        self._acoustic = load_acoustic_model(_folder(self.model()), self.config.device, self.config.precision)
        self._detector = detector
        parameters = sum(one.numel() for one in self._acoustic.net.parameters())
        threads = self.config.threads or (1 if parameters < SMALL else 0)
        if threads:
            torch.set_num_threads(threads)

    def close(self) -> None:
        """Let go of the weights."""
        self._acoustic = self._detector = None

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        """Recognise one clip of any length."""
        return self.transcribe_batch([audio], options)[0]

    def transcribe_batch(self, audios: Sequence[Audio], options: TranscribeOptions) -> list[Transcript]:
        """Recognise clips; where batching is on, their segments share forward passes."""
        from tingshuo_sensevoice.hearing import segment_of, transcript_of

        if self._acoustic is None:
            self.load()
        acoustic = self._acoustic
        assert acoustic is not None
        _check_options(options)
        work = [(index, piece) for index, audio in enumerate(audios) for piece in self._pieces(audio, options)]
        segments: list[list[Segment]] = [[] for _ in audios]
        for (index, piece), heard in zip(work, self._heard(audios, work, options, progress.report), strict=True):
            segment = segment_of(piece, heard, acoustic, words=options.words, logprobs=options.logprobs)
            if segment:
                segments[index].append(segment)
        return [transcript_of(found, audio.duration) for found, audio in zip(segments, audios, strict=True)]

    def transcribe_stream(self, audio: Audio, options: TranscribeOptions) -> Generator[Segment, None, Transcript]:
        """Recognise one clip; each stretch of speech is told before the next one is recognised."""
        from tingshuo_sensevoice.hearing import segment_of, transcript_of

        if self._acoustic is None:
            self.load()
        acoustic = self._acoustic
        assert acoustic is not None
        _check_options(options)
        segments: list[Segment] = []
        for piece in self._pieces(audio, options):
            (heard,) = self._heard([audio], [(0, piece)], options)
            segment = segment_of(piece, heard, acoustic, words=options.words, logprobs=options.logprobs)
            if segment:
                segments.append(segment)
                yield segment
        return transcript_of(segments, audio.duration)

    def find_speech(self, audio: Audio, activity: VoiceActivity) -> list[tuple[float, float]]:
        """What FSMN-VAD takes for speech, in seconds."""
        if self._detector is None:
            self.load()
        assert self._detector is not None
        _check_audio(audio, self.sample_rate)
        spans = self._detector.detect(audio.samples, activity)
        return [(span.start / self.sample_rate, span.end / self.sample_rate) for span in spans]

    def _pieces(self, audio: Audio, options: TranscribeOptions) -> list[Piece]:
        """What to recognise of a clip, in order of time."""
        from tingshuo_sensevoice.hearing import Piece

        assert self._detector is not None
        _check_audio(audio, self.sample_rate)
        speech = self._detector.detect(audio.samples, options.vad)
        if options.vad and options.vad.padding is not None:
            speech = padded(speech, int((options.vad.padding - self._detector.padding) * self.sample_rate))
        levels = block_levels(audio.samples)
        others = loud_gaps(speech, levels)
        longest = MAX_SAMPLES
        if options.merge_vad:
            longest = min(longest, int(options.merge_length_s * self.sample_rate))
            speech = merge(speech, others, longest)
        pieces = [
            Piece(at_least_a_window(part, len(audio.samples)), spoken)
            for spans, spoken in ((speech, True), (others, False))
            for span in spans
            for part in cut(span, levels, longest)
        ]
        return sorted(pieces, key=lambda piece: piece.span)

    def _heard(
        self,
        audios: Sequence[Audio],
        work: Sequence[tuple[int, Piece]],
        options: TranscribeOptions,
        report: progress.Listener = lambda _: None,
    ) -> list[Heard]:
        """The network's answers, in the order of `work`; `report` is told the fraction of the sound that is heard."""
        from tingshuo_sensevoice.model import Question

        assert self._acoustic is not None
        question = Question(options.language, options.languages, options.itn, options.force_emotion)
        limit = int(options.batch_size_s * self.sample_rate) if self.config.batched else 0
        answers: dict[int, Heard] = {}
        lengths = [len(piece.span) for _, piece in work]
        done, total = 0, sum(lengths)
        for batch in _batches(lengths, limit):
            cancellation.check()
            clips = [
                audios[index].samples[piece.span.start : piece.span.end] for index, piece in (work[i] for i in batch)
            ]
            answers |= zip(batch, self._acoustic.hear(clips, [question] * len(clips)), strict=True)
            done += sum(lengths[index] for index in batch)
            report(done / total)
        return [answers[index] for index in range(len(work))]


def _batches(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """Indices grouped by similar length so that a group, padded to its longest, has at most `limit` samples.

    What is longer than `limit` goes alone; with `limit` 0 everything does, in its own order.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index]) if limit else range(len(lengths))
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * lengths[batch[0]] > limit:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _existing(model: Model) -> Model:
    if model.path is None or not model.path.is_dir():
        raise ModelError(f"{model.name} is not there: {model.path}; bring the official one with: tingshuo models pull")
    return model


def _folder(model: Model) -> Path:
    assert model.path is not None
    return model.path


def _check_audio(audio: Audio, sample_rate: int) -> None:
    samples = audio.samples
    if audio.sample_rate != sample_rate or samples.ndim != 1 or samples.dtype != np.float32:
        raise InvalidAudio(
            f"got {samples.dtype} samples of shape {samples.shape} at {audio.sample_rate} Hz; "
            f"{ENGINE} takes mono float32 at {sample_rate} Hz"
        )
    if len(samples) < MIN_SAMPLES:
        raise InvalidAudio(f"the audio has {len(samples)} samples; at least {MIN_SAMPLES} (25 ms) are needed")
    if not np.isfinite(samples).all():
        raise InvalidAudio("the audio holds samples that are not finite numbers")


def _check_options(options: TranscribeOptions) -> None:
    for code in (*options.languages, options.language):
        if code not in ("auto", *LANGUAGES):
            raise UnsupportedLanguage(f"{ENGINE} does not know the language {code!r}; it knows: {', '.join(LANGUAGES)}")
    for key in ("merge_length_s", "batch_size_s"):
        if not getattr(options, key) >= 1:
            raise InvalidRequest(f"{key} is {getattr(options, key)}; it must be 1 second or more", param=key)
