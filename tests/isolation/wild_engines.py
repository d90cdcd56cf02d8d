"""A plugin whose engines end, hang and refuse in every way."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from tingshuo import Audio, Engine, InvalidRequest, Settings, Utterance, cancellation, hookimpl, progress
from tingshuo.tones import ToneRecognizer, ToneSynthesizer
from tingshuo.types import TranscribeOptions, Transcript, VoiceActivity


def act(word: str | None) -> None:
    """Do what the text tells; most texts are only said."""
    match word:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(600)  # the other threads run on while the kernel ends the process
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(600)
        case "exit":
            os._exit(3)
        case "raise":
            raise ZeroDivisionError("at line 7")
        case "leave":
            sys.exit(4)
        case "refuse":
            raise InvalidRequest("cannot say that", param="input")
        case "hang":
            time.sleep(600)
        case "seize":
            ctypes.PyDLL(None).sleep(600)  # keeps the interpreter to itself
        case "wait":
            time.sleep(1)
        case "polite":
            while True:
                cancellation.check()
                time.sleep(0.01)


class Wild(ToneSynthesizer):
    """Does what the text tells; its streams do so after the first piece."""

    name = "wild"
    thread_safe = True

    def load(self) -> None:
        act(os.environ.get("WILD_LOAD"))

    def synthesize(self, utterance: Utterance) -> Audio:
        act(utterance.text)
        return super().synthesize(utterance)

    def synthesize_stream(self, utterance: Utterance) -> Iterator[Audio]:
        pieces = ToneSynthesizer().synthesize_stream(utterance)
        yield next(pieces)
        act(utterance.text)
        while utterance.text == "endless":
            yield from ToneSynthesizer().synthesize_stream(utterance)
            time.sleep(0.01)
        yield from pieces


class Watchful(ToneRecognizer):
    """Takes the second half for speech, from where the silence asked for has passed; says how far it is."""

    finds_speech = True
    thread_safe = True

    def transcribe(self, audio: Audio, options: TranscribeOptions) -> Transcript:
        for fraction in (0.25, 1.0):
            progress.report(fraction)
        return super().transcribe(audio, options)

    def find_speech(self, audio: Audio, activity: VoiceActivity) -> Sequence[tuple[float, float]]:
        return [(audio.duration / 2 + (activity.silence or 0.0), audio.duration)]


@hookimpl
def register_engines(settings: Settings) -> Iterable[Engine]:
    return [Wild(), ToneSynthesizer(), Watchful()]
