# SPDX-License-Identifier: Apache-2.0
"""Train the starter voice detector and write it in the official fsmn-vad format.

    python vad.py DATA MODEL OUT/fsmn-vad      MODEL holds the recogniser's sentencepiece model

Architecture: FunASR `funasr/models/fsmn_vad_streaming/encoder.py` (FSMN), smaller. Two outputs: silence and speech;
music, applause and noise count as silence. Labels come from the energy of the clean speech.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from augment import APPLAUSE, MUSIC, RATE, Sounds
from batches import Corpus, Pieces, finish
from decode import BPE
from export import write_configuration, write_normalisation
from features import FRAME, MELS, SHIFT, fbank, stack
from torch import Tensor, nn
from torch.nn import functional

STACK = 5
WIDTH, AFFINE, LINEAR, MEMORY, LAYERS, ORDER = MELS * STACK, 48, 64, 40, 4, 20
SECONDS, CLIPS = 12, 8
QUIET = 1e-4  # of the loudest frame's energy: what still counts as speech
GAP, EDGE = 20, 3  # frames of 10 ms: pauses up to GAP are speech, and so is EDGE around it
CONFIG = """\
model: FsmnVADStreaming
model_conf: {{sample_rate: 16000, detect_mode: 1, snr_mode: 0, max_end_silence_time: 600, max_start_silence_time: 3000,
  do_start_point_detection: true, do_end_point_detection: true, window_size_ms: 200, sil_to_speech_time_thres: 150,
  speech_to_sil_time_thres: 150, speech_2_noise_ratio: 1.0, do_extend: 1, lookback_time_start_point: 200,
  lookahead_time_end_point: 100, max_single_segment_time: 60000, snr_thres: -100.0, noise_frame_num_used_for_snr: 100,
  decibel_thres: -100.0, speech_noise_thres: 0.2, fe_prior_thres: 0.0001, silence_pdf_num: 1, sil_pdf_ids: [0],
  speech_noise_thresh_low: -0.1, speech_noise_thresh_high: 0.3, output_frame_probs: false, frame_in_ms: 10,
  frame_length_ms: 25}}
encoder: FSMN
encoder_conf: {{input_dim: {width}, input_affine_dim: {affine}, fsmn_layers: {layers}, linear_dim: {linear},
  proj_dim: {memory}, lorder: {order}, rorder: 0, lstride: 1, rstride: 0, output_affine_dim: {affine}, output_dim: 2}}
frontend: WavFrontendOnline
frontend_conf: {{fs: 16000, window: hamming, n_mels: 80, frame_length: 25, frame_shift: 10, dither: 0.0, lfr_m: 5,
  lfr_n: 1, cmvn_file: null}}
"""


class Affine(nn.Module):
    """A linear layer under the official name."""

    def __init__(self, size_in: int, size_out: int, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(size_in, size_out, bias=bias)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.linear(rows)
        return out


class Memory(nn.Module):
    """The causal depthwise convolution of one FSMN layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_left = nn.Conv2d(MEMORY, MEMORY, (ORDER, 1), groups=MEMORY, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        values = rows.transpose(1, 2)
        past = functional.conv1d(functional.pad(values, (ORDER - 1, 0)), self.conv_left.weight[..., 0], groups=MEMORY)
        return rows + past.transpose(1, 2)


class Layer(nn.Module):
    """Projection, memory, expansion, ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = Affine(LINEAR, MEMORY, bias=False)
        self.fsmn_block = Memory()
        self.affine = Affine(MEMORY, LINEAR)

    def forward(self, rows: Tensor) -> Tensor:
        return functional.relu(self.affine(self.fsmn_block(self.linear(rows))))


class Detector(nn.Module):
    """Rows [B, T, 400] -> logits [B, T, 2] of silence and speech."""

    def __init__(self) -> None:
        super().__init__()
        self.in_linear1, self.in_linear2 = Affine(WIDTH, AFFINE), Affine(AFFINE, LINEAR)
        self.fsmn = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.out_linear1, self.out_linear2 = Affine(LINEAR, AFFINE), Affine(AFFINE, 2)

    def forward(self, rows: Tensor) -> Tensor:
        rows = self.fsmn(functional.relu(self.in_linear2(self.in_linear1(rows))))
        out: Tensor = self.out_linear2(self.out_linear1(rows))
        return out


def spoken_frames(speech: Tensor) -> Tensor:
    """1 where a 25 ms frame of clean `speech` (which may be silent in parts) belongs to speech, 0 elsewhere."""
    energy = speech.unfold(0, FRAME, SHIFT).square().mean(1)
    loud = (energy > QUIET * energy.max().clamp_min(1e-6)).float()[None, None]
    closed = -functional.max_pool1d(-functional.max_pool1d(loud, GAP + 1, 1, GAP // 2), GAP + 1, 1, GAP // 2)
    return functional.max_pool1d(closed, 2 * EDGE + 1, 1, EDGE)[0, 0].long()


class Scenes:
    """Stretches of speech, pauses, music and applause, one after the other."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        self.corpus, self.rng = corpus, np.random.default_rng(seed)
        self.sounds = Sounds.made(40, seed)

    def scene(self) -> tuple[Tensor, Tensor]:
        """Samples of SECONDS, and the labels of their frames."""
        rng, count = self.rng, SECONDS * RATE
        speech, other, at = torch.zeros(count), torch.zeros(count), int(rng.uniform(0, 2) * RATE)
        while at < count - RATE // 2:
            if rng.random() < 0.7:
                wave = self.corpus.wave(self.corpus.utterances[rng.integers(len(self.corpus.utterances))])[: count - at]
                speech[at : at + len(wave)] = wave * (0.08 / float(wave.square().mean().sqrt().clamp_min(1e-4)))
                at += len(wave) + int(rng.choice([rng.uniform(0.25, 1.0), rng.uniform(1, 3)]) * RATE)
            else:
                clip = self.sounds.draw(int(rng.choice([MUSIC, APPLAUSE])), int(rng.uniform(0.8, 5) * RATE), rng)[
                    : count - at
                ]
                other[at : at + len(clip)] += clip * 10 ** (-rng.uniform(-4, 14) / 20)
                at += len(clip) + int(rng.uniform(0, 1) * RATE)
        if rng.random() < 0.25:
            other += self.sounds.draw(int(rng.choice([MUSIC, APPLAUSE])), count, rng) * 10 ** (-rng.uniform(6, 20) / 20)
        return speech + other, spoken_frames(speech)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Rows [CLIPS, T, 400] and labels [CLIPS, T]."""
        scenes = [self.scene() for _ in range(CLIPS)]
        waves = finish(torch.stack([wave for wave, _ in scenes]), self.rng)
        rows = torch.stack([stack(fbank(wave), STACK, 1) for wave in waves])
        return rows, torch.stack([labels for _, labels in scenes])


def train(scenes: Scenes, steps: int) -> tuple[Detector, Tensor, Tensor]:
    """A trained detector with the shift and scale of its input."""
    model, began = Detector(), time.monotonic()
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    first = torch.cat([scenes.batch()[0].flatten(0, 1) for _ in range(4)])
    shift, scale = -first.mean(0), 1 / first.std(0)
    for step in range(steps):
        rows, labels = scenes.batch()
        logits = model((rows + shift) * scale)
        loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=0.02)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 49:
            right = (logits.argmax(-1) == labels).float().mean()
            print(f"{time.monotonic() - began:5.0f} s step {step + 1} loss {loss:.3f} right {right:.3f}", flush=True)
    return model, shift, scale


def export(model: Detector, shift: Tensor, scale: Tensor, out: Path) -> None:
    """The files of one fsmn-vad directory."""
    out.mkdir(parents=True, exist_ok=True)
    torch.save({f"encoder.{name}": value for name, value in model.state_dict().items()}, out / "model.pt")
    sizes = {"width": WIDTH, "affine": AFFINE, "layers": LAYERS, "linear": LINEAR, "memory": MEMORY, "order": ORDER}
    (out / "config.yaml").write_text(CONFIG.format(**sizes), "utf-8")
    write_normalisation(out / "am.mvn", shift, scale)
    write_configuration(
        out, {"init_param": "model.pt", "config": "config.yaml", "frontend_conf": {"cmvn_file": "am.mvn"}}
    )


def main() -> None:
    """Train and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    corpus = Corpus(given.data, Pieces(given.model / BPE))
    export(*train(Scenes(corpus, 21), given.steps), given.out)


if __name__ == "__main__":
    main()
