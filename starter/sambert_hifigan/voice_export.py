# SPDX-License-Identifier: Apache-2.0
"""Write the trained voice in the official layout (generation 3).

    python voice_export.py RUN/acoustic.pt RUN/vocoder.pt OUT

The weights of both networks are written in half precision: every loader widens them.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from acoustic_batches import SPEAKER
from torch import Tensor

VOICE = "starter"
#: Rows of the official table that the corpus has, neutral first.
EMOTIONS = ("neutral", "happy", "sad", "angry", "fear", "disgust", "surprise")
FEATURES = "sy,tone,syllable_flag,word_segment,emo_category,speaker_category"
AUDIO = {
    "fmax": 8000.0,
    "fmin": 0.0,
    "hop_length": 200,
    "max_norm": 1.0,
    "min_level_db": -100.0,
    "n_fft": 2048,
    "n_mels": 80,
    "norm_type": "mean_std",
    "num_workers": 1,
    "phone_level_feature": True,
    "preemphasize": False,
    "ref_level_db": 20,
    "sampling_rate": 16000,
    "symmetric": False,
    "trim_silence": False,
    "trim_silence_threshold_db": 60,
    "wav_normalize": False,
    "win_length": 1000,
}
DROPOUTS = ("encoder_attention", "encoder", "encoder_relu", "predictor", "decoder_attention", "decoder")
NOT_IN_CONFIG = ("symbol_rows", "emotion_rows", "speaker_rows", "dropout")


@dataclass(frozen=True)
class Part:
    """One network: its parameters for config.yaml, its tensors, and the step it was saved at."""

    parameters: dict[str, Any]
    tensors: dict[str, Tensor]
    step: int


def acoustic_part(saved: dict[str, Any]) -> Part:
    """Of a checkpoint of `acoustic_training.py`, the averaged weights."""
    sizes = {name: list(value) if isinstance(value, tuple) else value for name, value in saved["sizes"].items()}
    parameters = {name: value for name, value in sizes.items() if name not in NOT_IN_CONFIG}
    parameters |= {f"{name}_dropout": sizes["dropout"] for name in (*DROPOUTS, "decoder_relu", "postnet")}
    parameters |= {"MAS": False, "NSF": True, "nsf_norm_type": "mean_std", "SE": False, "FP": False}
    return Part(parameters, saved["average"], int(saved["step"]))


def vocoder_part(saved: dict[str, Any]) -> Part:
    """Of a checkpoint of `vocoder_training.py`."""
    return Part(dict(saved["params"]), saved["generator"], int(saved["step"]))


def acoustic_config(part: Part) -> dict[str, Any]:
    """`am/config.yaml`."""
    unit = {"cleaners": "english_cleaners", "language": "PinYin", "lfeat_type_list": FEATURES, "speaker_list": SPEAKER}
    return {
        "model_type": "sambert",
        "Model": {"KanTtsSAMBERT": {"params": part.parameters}},
        "linguistic_unit": unit,
        "audio_config": AUDIO,
    }


def vocoder_config(part: Part) -> dict[str, Any]:
    """`voc/config.yaml`."""
    return {"model_type": "hifigan", "Model": {"Generator": {"params": part.parameters}}, "audio_config": AUDIO}


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same in half precision, each owning its memory."""
    return {name: value.detach().half().clone() for name, value in tensors.items()}


def write_yaml(path: Path, document: dict[str, Any]) -> None:
    """A file of plain YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, sort_keys=True), "utf-8")


def write_json(path: Path, document: dict[str, Any]) -> None:
    """A file of JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def write_checkpoint(folder: Path, step: int, document: dict[str, Any]) -> None:
    """The one checkpoint of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(document, folder / f"checkpoint_{step}.pth")


def export(acoustic: dict[str, Any], vocoder: dict[str, Any], out: Path) -> None:
    """The model directory; replaces the voice that was there."""
    spoken, sound = acoustic_part(acoustic), vocoder_part(vocoder)
    voice = out / "voices" / VOICE
    shutil.rmtree(voice, ignore_errors=True)
    card = {
        "framework": "pytorch",
        "task": "text-to-speech",
        "model": {
            "type": "sambert-hifigan",
            "sample_rate": AUDIO["sampling_rate"],
            "lang_type": "zhcn",
            "am": {"linguistic_unit": {"has_mask": True}},
        },
        "pipeline": {"type": "sambert-hifigan-tts"},
    }
    write_json(out / "configuration.json", card)
    write_json(out / "voices" / "voices.json", {"voices": [VOICE]})
    write_json(voice / "emotions.json", {"emotions": list(EMOTIONS)})
    write_yaml(voice / "audio_config.yaml", {"audio_config": AUDIO})
    write_yaml(voice / "am" / "config.yaml", acoustic_config(spoken))
    write_yaml(voice / "voc" / "config.yaml", vocoder_config(sound))
    np.save(voice / "am" / "mvn.npy", np.array(acoustic["f0"], np.float64)[:, None])
    write_checkpoint(voice / "am" / "ckpt", spoken.step, {"model": halved(spoken.tensors)})
    write_checkpoint(voice / "voc" / "ckpt", sound.step, {"model": {"generator": halved(sound.tensors)}})


def main() -> None:
    """Export to the folder given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("acoustic", type=Path)
    parser.add_argument("vocoder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    parts = [torch.load(path, map_location="cpu", weights_only=True) for path in (given.acoustic, given.vocoder)]
    export(parts[0], parts[1], given.out)


if __name__ == "__main__":
    main()
