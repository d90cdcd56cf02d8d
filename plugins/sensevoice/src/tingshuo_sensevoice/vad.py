"""Where somebody speaks: FSMN-VAD through FunASR's own class.

`funasr/models/fsmn_vad_streaming/model.py`, 1.4.16. Its `inference` replaces the end-of-speech silence of the model's
config.yaml (0.8 s) by 2 s; here config.yaml counts. It also cuts speech at 60 s wherever that falls; here stretches
stay whole and are cut at a quiet point afterwards (spans.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from tingshuo import ModelError
from tingshuo.types import Samples, VoiceActivity
from tingshuo_sensevoice.directory import ModelDirectory, fill, open_directory, read_tensors
from tingshuo_sensevoice.model import SAMPLE_RATE, build_frontend
from tingshuo_sensevoice.spans import MIN_SAMPLES, Span
from tingshuo_sensevoice.upstream import Frontend, funasr_module, silence_prints, undisturbed

#: Samples scored at a time: bounds memory for hours of audio, and is what FunASR uses.
_CHUNK = 60 * SAMPLE_RATE
#: Upstream takes the logarithm of a probability and of its complement: exactly 0 or 1 ends in a math domain error.
_EDGE = 1e-6
_NEVER_MS = 10**9


class VoiceDetector:
    """A loaded FSMN-VAD. It runs on the CPU: its state machine reads one number a frame."""

    def __init__(self, net: Any, frontend: Frontend) -> None:  # noqa: ANN401 - a class of an untyped package
        self.net = net
        self.frontend = frontend

    @property
    def padding(self) -> float:
        """Seconds before the first frame of speech that a stretch begins with."""
        return float(self.net.vad_opts.lookback_time_start_point) / 1000

    @torch.inference_mode()
    def detect(self, samples: Samples, activity: VoiceActivity | None = None) -> list[Span]:
        """Stretches of speech in audio of at least 400 samples, in order, not overlapping.

        activity: what takes the place of config.yaml's values where it is not None; its padding is not heeded here.
        """
        cache: dict[str, Any] = {}
        self.net.init_cache(cache)
        _tune(cache["stats"], activity or VoiceActivity(), self.net.vad_opts.speech_to_sil_time_thres)
        found: list[list[int]] = []
        # A last chunk shorter than one analysis window is joined to the one before it.
        starts = [0, *range(_CHUNK, len(samples) - MIN_SAMPLES + 1, _CHUNK)]
        for start, end in zip(starts, [*starts[1:], len(samples)], strict=True):
            chunk = torch.tensor(samples[start:end])[None]
            last = end == len(samples)
            features, _ = self.frontend(
                chunk, torch.tensor([end - start]), cache=cache["frontend"], is_final=last, return_waveform=True
            )
            waveform = cache["frontend"]["aligned_waveforms"]
            for spoken in self.net(features, waveform, cache=cache, is_final=last, is_streaming_input=False):
                found += spoken
        spans = (Span(_sample(begin), min(_sample(end), len(samples))) for begin, end in found)
        return [span for span in spans if span.start < span.end]


def _tune(stats: Any, activity: VoiceActivity, turning_ms: int) -> None:  # noqa: ANN401
    """Set the state machine of one call: upstream reads both values from here, not from its options."""
    if activity.silence is not None:
        # Silence is noticed `speech_to_sil_time_thres` after it has begun.
        stats.max_end_sil_frame_cnt_thresh = max(round(1000 * activity.silence) - turning_ms, 0)
    if activity.threshold is not None:
        # A frame is speech if exp(speech) >= exp(noise) + thres; the two sum to 1.
        stats.speech_noise_thres = 2 * activity.threshold - 1


def _sample(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000


def load_voice_detector(path: Path) -> VoiceDetector:
    """Load an FSMN-VAD directory; raises `ModelError` naming the file or tensor that is wrong."""
    directory = open_directory(path)
    directory.expect("model", "FsmnVADStreaming")
    directory.expect("encoder", "FSMN")
    directory.expect("frontend", "WavFrontendOnline")
    frontend = build_frontend(directory, "WavFrontendOnline")
    net = _empty_network(directory)
    inputs, wanted = frontend.output_size(), net.encoder.input_dim
    if inputs != wanted:
        raise ModelError(f"{directory.file('config')}: frontend gives {inputs} features, encoder_conf takes {wanted}")
    weights = directory.file("init_param")
    filled = fill(net, read_tensors(weights), weights)
    cast(nn.Module, filled.encoder).register_forward_hook(_off_the_edges)
    return VoiceDetector(filled, frontend)


def _off_the_edges(_module: nn.Module, _inputs: object, scores: Tensor) -> Tensor:
    return scores.clamp(_EDGE, 1 - _EDGE)


def _empty_network(directory: ModelDirectory) -> Any:  # noqa: ANN401
    funasr_module("models.fsmn_vad_streaming.encoder")
    module = funasr_module("models.fsmn_vad_streaming.model")
    silence_prints(module)
    config = directory.file("config")
    options = directory.section("model_conf") | {"max_single_segment_time": _NEVER_MS}
    try:
        with undisturbed(), torch.device("meta"):
            net = module.FsmnVADStreaming(encoder="FSMN", encoder_conf=directory.section("encoder_conf"), **options)
            silence = [int(index) for index in net.vad_opts.sil_pdf_ids]
    except (TypeError, ValueError, RuntimeError, AssertionError, AttributeError) as error:
        raise ModelError(f"{config} describes no FSMN-VAD: {error}") from error
    if len(silence) != net.vad_opts.silence_pdf_num or not all(0 <= i < net.encoder.output_dim for i in silence):
        raise ModelError(f"{config}: sil_pdf_ids {silence} do not fit silence_pdf_num or the encoder's output_dim")
    return net
