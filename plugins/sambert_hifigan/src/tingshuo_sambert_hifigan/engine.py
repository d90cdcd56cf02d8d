"""The `sambert_hifigan` synthesizer."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from tingshuo import (
    Audio,
    ConfigurationError,
    InvalidRequest,
    Model,
    ModelError,
    Settings,
    Synthesizer,
    Utterance,
    Voice,
    cancellation,
)
from tingshuo.errors import UnknownVoice, UnsupportedLanguage
from tingshuo.weights import find_model
from tingshuo_sambert_hifigan.config import ENGINE, PRECISIONS, read_config
from tingshuo_sambert_hifigan.reading import Reader

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.directory import ModelDirectory
    from tingshuo_sambert_hifigan.script import Part
    from tingshuo_sambert_hifigan.streaming import Steps
    from tingshuo_sambert_hifigan.voice import LoadedVoice, Style
    from tingshuo_sambert_hifigan.voice_files import VoiceFiles

HUB_ID = "iic/speech_sambert-hifigan_tts_zh-cn_16k"
STARTER = Path(__file__).parent / "starter"
#: Amplitude from which louder samples are bent instead of cut off.
KNEE = 0.8


class SambertHifigan(Synthesizer):
    """Voices of a SAMBERT-HiFiGAN model directory."""

    name = ENGINE
    thread_safe = True
    version = "0.1.0"
    licence = "code: Apache-2.0; official weights: as their model card says"
    source = f"https://modelscope.cn/models/{HUB_ID}"
    hub_models = (HUB_ID,)
    #: emotion: a row of the voice's own by name. speaker: one of a voice of many. pause: seconds of silence between
    #: sentences. symbols: true where the text is symbol lines.
    extra_keys: ClassVar[frozenset[str]] = frozenset({"emotion", "speaker", "pause", "symbols"})

    def __init__(self, settings: Settings) -> None:
        self._settings, self._config = settings, read_config(settings)
        self.device = self._config.device
        self._lock = threading.Lock()
        self._reader = Reader(settings, self._config)
        self._directory: ModelDirectory | None = None
        self._files: dict[str, VoiceFiles] = {}
        self._loaded: dict[str, LoadedVoice] = {}

    def model(self) -> Model:
        model = find_model(self._settings, self._config.model, HUB_ID, STARTER)
        if model.path is None or not model.path.exists():
            raise ModelError(
                f"no voice is on this machine; bring the official ones with: tingshuo models pull {HUB_ID}"
            )
        return model

    @property
    def sample_rate(self) -> int:  # type: ignore[override]
        """Hz, of the default voice; of another voice its `Audio` tells."""
        directory = self._open()
        return self._parts(directory.names[0]).sample_rate

    def voices(self) -> Sequence[Voice]:
        from tingshuo_sambert_hifigan.emotions import allowed_rows, portable
        from tingshuo_sambert_hifigan.tables import LANGUAGES

        found = []
        for name in self._open().names:
            parts = self._parts(name)
            languages = LANGUAGES.get(parts.language, (parts.language,))
            rows = allowed_rows(parts)
            description = f"{parts.sample_rate / 1000:g} kHz; its own names of emotions: {', '.join(rows)}"
            found.append(Voice(name, languages, portable(rows), description))
        return found

    def load(self) -> None:
        import torch

        if self._config.threads:
            torch.set_num_threads(self._config.threads)
        if self.device != "cpu" and not torch.cuda.is_available():
            raise ConfigurationError(f"TINGSHUO_SAMBERT_HIFIGAN_DEVICE={self.device}, but there is no CUDA here")
        self._voice(self._open().names[0])

    def close(self) -> None:
        with self._lock:
            self._loaded.clear()
            self._files.clear()
            self._directory = None
        self._reader.close()

    def synthesize(self, utterance: Utterance) -> Audio:
        from tingshuo_sambert_hifigan.streaming import WHOLE

        rate, pieces = self._speak(utterance, WHOLE)
        return Audio(np.concatenate([np.zeros(0, np.float32), *pieces]), rate)

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        from tingshuo_sambert_hifigan.streaming import STREAMED

        rate, pieces = self._speak(utterance, STREAMED)
        for piece in pieces:
            yield Audio(piece, rate)

    # ---- inside

    def _open(self) -> ModelDirectory:
        from tingshuo_sambert_hifigan.directory import open_model

        path = self.model().path
        assert path is not None
        with self._lock:
            if self._directory is None or self._directory.path != path:
                self._directory = open_model(path)
                self._files.clear()
            return self._directory

    def _parts(self, name: str) -> VoiceFiles:
        directory = self._open()
        if name not in directory.names:
            raise UnknownVoice(
                f"{self.name} has no voice {name!r}; it has: {', '.join(directory.names)}", param="voice"
            )
        if name not in self._files:
            self._files[name] = directory.voice(name)
        return self._files[name]

    def _voice(self, name: str) -> LoadedVoice:
        """The voice, loaded at its first use and kept until `close`."""
        import torch

        from tingshuo_sambert_hifigan.loading import load_voice

        parts = self._parts(name)
        with self._lock:
            if name not in self._loaded:
                precision: torch.dtype = getattr(torch, PRECISIONS[self._config.precision])
                self._loaded[name] = load_voice(parts, torch.device(self.device), precision).voice
            return self._loaded[name]

    def _speak(self, utterance: Utterance, steps: Steps) -> tuple[int, Iterator[npt.NDArray[np.float32]]]:
        """Hz, and the pieces that will be said; raises what is wrong with the request before any of them."""
        from tingshuo_sambert_hifigan.script import seconds_between, style_of, voices_of

        between = seconds_between(utterance)
        parts = self._script(utterance)
        tasks: list[_Task] = []
        for part, name in zip(parts, voices_of(parts, utterance.voice), strict=True):
            style, volume = style_of(utterance, part.markup, self._parts(name))
            tasks.append(_Task(self._voice(name), part, style, volume, between))
        rate = tasks[0].voice.sample_rate
        for task in tasks:
            if task.voice.sample_rate != rate:
                raise InvalidRequest(f"voice {task.voice.name!r} speaks at another rate than {rate} Hz", param="input")
            # Symbols that the voice does not have are found now and not in the middle of a stream.
            for line in task.part.lines:
                task.voice.line(line, task.style)
        return rate, (piece for task in tasks for piece in task.pieces(steps))

    def _script(self, utterance: Utterance) -> list[Part]:
        from tingshuo_sambert_hifigan.script import read_symbols, read_text, wants_symbols

        if wants_symbols(utterance):
            return read_symbols(utterance.text)
        parts = self._parts(utterance.voice)
        if parts.language != "PinYin" or "sy" not in parts.alphabet.features:
            raise UnsupportedLanguage(
                f"voice {parts.name!r} reads {parts.language} in another form than the front end writes; "
                "send symbol lines and the option symbols",
                param="input",
            )
        return read_text(self._reader.front_end(), utterance.text)


@dataclass(frozen=True, slots=True)
class _Task:
    """A part ready to be spoken; between: seconds of silence between its lines."""

    voice: LoadedVoice
    part: Part
    style: Style
    volume: float
    between: float

    def pieces(self, steps: Steps) -> Iterator[npt.NDArray[np.float32]]:
        """The samples of the part, and its silences."""
        spoken, last = self.voice.speak(self.part.lines, self.style, steps), 0
        for line, piece in spoken:
            cancellation.check()
            for _ in range(line - last):
                yield from self._silence(self.between)
            last = line
            yield louder(piece, self.volume)
        yield from self._silence(self.part.pause)

    def _silence(self, seconds: float) -> Iterator[npt.NDArray[np.float32]]:
        count = round(seconds * self.voice.sample_rate)
        if count:
            yield np.zeros(count, np.float32)


def louder(samples: npt.NDArray[np.float32], volume: float) -> npt.NDArray[np.float32]:
    """The samples with their amplitude times `volume`; what would exceed 1 is bent towards it, never wrapped or cut.

    The vocoder ends in tanh, so at a volume of up to 1 nothing exceeds 1 and nothing is bent.
    """
    scaled = samples * np.float32(volume)
    if volume > 1:
        size = np.abs(scaled)
        bent = KNEE + (1 - KNEE) * np.tanh((size - KNEE) / (1 - KNEE))
        scaled = np.where(size > KNEE, np.sign(scaled) * bent, scaled).astype(np.float32)
    return scaled
