"""Whether denoising and loudness normalisation help the starter recogniser on noisy eSpeak speech.

    python bench/preprocessing.py [--sentences 20]

Every sentence is spoken with three emotions, mixed with pink noise at each signal-to-noise ratio, and recognised with
and without preprocessing. Prints the table of docs/preprocessing.md: character error rate, syllable error rate, share
of emotions heard right.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path

import numpy as np

from tingshuo import Audio, Emotion, Settings, TranscribeOptions, Utterance
from tingshuo.audio import resample
from tingshuo.engines import Engines
from tingshuo.scoring import cer, syllable_error_rate, total
from tingshuo.types import Samples

SENTENCES = Path(__file__).resolve().parents[1] / "tests" / "e2e" / "sentences_zh.txt"
EMOTIONS = (Emotion.NEUTRAL, Emotion.ANGRY, Emotion.SAD)
#: Decibels; None is clean speech.
RATIOS = (None, 10.0, 5.0)
VARIANTS = {
    "as it is": TranscribeOptions(language="zh"),
    "denoise": TranscribeOptions(language="zh", denoise=True),
    "loudness": TranscribeOptions(language="zh", loudness=True),
    "both": TranscribeOptions(language="zh", denoise=True, loudness=True),
}


def pink_noise(length: int, rng: np.random.Generator) -> Samples:
    """Noise whose power falls with frequency, as that of rooms and streets does."""
    spectrum = np.fft.rfft(rng.normal(size=length))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), length)
    scaled: Samples = (noise / noise.std()).astype(np.float32)
    return scaled


def noisy(audio: Audio, ratio: float | None, rng: np.random.Generator) -> Audio:
    """The audio with noise `ratio` dB below the level of its speech."""
    if ratio is None:
        return audio
    loud = audio.samples[np.abs(audio.samples) > 1e-3]
    level = np.sqrt(np.mean(np.square(loud))) * 10 ** (-ratio / 20)
    mixed = audio.samples + level * pink_noise(len(audio.samples), rng)
    return Audio(np.clip(mixed, -1, 1).astype(np.float32), audio.sample_rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=20)
    given = parser.parse_args()
    engines = Engines(Settings())
    lines = [line for line in SENTENCES.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    spoken = [
        (text, emotion, resample(engines.synthesize(Utterance(text, "cmn", emotion), "espeak"), 16000))
        for text, emotion in product(lines[: given.sentences], EMOTIONS)
    ]
    print("| noise | preprocessing | CER | syllable error rate | emotion right |\n|---|---|---|---|---|")
    for ratio in RATIOS:
        rng = np.random.default_rng(0)
        clips = [(text, emotion, noisy(audio, ratio, rng)) for text, emotion, audio in spoken]
        for name, options in VARIANTS.items():
            heard = [engines.transcribe(audio, options, "sensevoice") for _, _, audio in clips]
            pairs = [(text, transcript.text) for (text, _, _), transcript in zip(clips, heard, strict=True)]
            characters = total(cer(*pair, "zh") for pair in pairs).rate
            syllables = total(edits for pair in pairs if (edits := syllable_error_rate(*pair))).rate
            right = sum(
                bool(transcript.segments) and transcript.segments[0].emotion == emotion
                for (_, emotion, _), transcript in zip(clips, heard, strict=True)
            )
            noise = "none" if ratio is None else f"{ratio:.0f} dB"
            print(f"| {noise} | {name} | {characters:.1%} | {syllables:.1%} | {right / len(clips):.1%} |", flush=True)
    engines.close()


if __name__ == "__main__":
    main()
