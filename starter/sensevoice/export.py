# SPDX-License-Identifier: Apache-2.0
"""Write a trained recogniser in the official SenseVoiceSmall format.

    python export.py MODEL OUT/SenseVoiceSmall

The weights are the moving average in half precision; the auxiliary layer stays behind.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from decode import BPE, Decoder
from model import Shape
from torch import Tensor

CONFIG = """\
encoder: SenseVoiceEncoderSmall
encoder_conf:
  output_size: {width}
  attention_heads: {heads}
  linear_units: {inner}
  num_blocks: {blocks}
  tp_blocks: {text_blocks}
  dropout_rate: 0.1
  positional_dropout_rate: 0.1
  attention_dropout_rate: 0.1
  input_layer: pe
  pos_enc_class: SinusoidalPositionEncoder
  normalize_before: true
  kernel_size: 11
  sanm_shfit: 0
  selfattention_layer_type: sanm
model: SenseVoiceSmall
model_conf:
  length_normalized_loss: true
  sos: 1
  eos: 2
  ignore_id: -1
tokenizer: SentencepiecesTokenizer
tokenizer_conf:
  bpemodel: null
  unk_symbol: <unk>
  split_with_space: true
frontend: WavFrontend
frontend_conf:
  fs: 16000
  window: hamming
  n_mels: 80
  frame_length: 25
  frame_shift: 10
  dither: 0.0
  lfr_m: 7
  lfr_n: 6
  cmvn_file: null
"""


def write_configuration(folder: Path, files: dict[str, object]) -> None:
    """`configuration.json`: which file is what, as FunASR reads it."""
    content = {
        "framework": "pytorch",
        "task": "auto-speech-recognition",
        "model": {"type": "funasr"},
        "pipeline": {"type": "funasr-pipeline"},
        "model_name_in_hub": {"ms": "", "hf": ""},
        "file_path_metas": files,
    }
    (folder / "configuration.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def write_normalisation(path: Path, shift: Tensor, scale: Tensor) -> None:
    """`am.mvn`: Kaldi's nnet text with an AddShift and a Rescale."""
    count = len(shift)
    shifts, scales = (" ".join(f"{value:.6f}" for value in values.tolist()) for values in (shift, scale))
    path.write_text(
        f"<Nnet>\n<Splice> {count} {count}\n[ 0 ]\n<AddShift> {count} {count}\n<LearnRateCoef> 0 [ {shifts} ]\n"
        f"<Rescale> {count} {count}\n<LearnRateCoef> 0 [ {scales} ]\n</Nnet>\n",
        "utf-8",
    )


def export(model: Path, out: Path) -> None:
    """The files of one model directory; replaces those there."""
    decoder = Decoder(model)
    shape = Shape(decoder.pieces.count, 0)
    out.mkdir(parents=True, exist_ok=True)
    state = decoder.model.state_dict()
    weights = {name: value.half() for name, value in state.items() if not name.startswith("auxiliary.")}
    torch.save(weights, out / "model.pt")
    shutil.copy(model / BPE, out / BPE)
    (out / "config.yaml").write_text(CONFIG.format(**vars(shape)), "utf-8")
    write_normalisation(out / "am.mvn", decoder.shift, decoder.scale)
    files: dict[str, object] = {
        "init_param": "model.pt",
        "config": "config.yaml",
        "tokenizer_conf": {"bpemodel": BPE},
        "frontend_conf": {"cmvn_file": "am.mvn"},
    }
    write_configuration(out, files)


def main() -> None:
    """Export to the folder given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    export(given.model, given.out)


if __name__ == "__main__":
    main()
