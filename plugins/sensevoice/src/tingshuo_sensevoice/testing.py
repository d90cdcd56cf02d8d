"""Small SenseVoiceSmall and FSMN-VAD directories in the official formats, for tests of whatever uses this plugin.

The recogniser has random weights and a CTC head fitted so that the four tags follow what is asked and what is heard;
its text is gibberish. The voice detector is an energy gate. Both are written in a second or two.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import sentencepiece
import torch
import yaml
from torch import Tensor

from tingshuo.types import Samples
from tingshuo_sensevoice.model import QUERIES
from tingshuo_sensevoice.tags import EMOTIONS, EVENTS, ITN, LANGUAGES, NO_SPEECH
from tingshuo_sensevoice.upstream import funasr_module, undisturbed

BPE_MODEL = "chn_jpn_yue_eng_ko_spectok.bpe.model"
CLOSING = ("/Speech", "/BGM", "/Laughter", "/Applause")
_FILES = {"init_param": "model.pt", "config": "config.yaml", "frontend_conf": {"cmvn_file": "am.mvn"}}
_FBANK = {"fs": 16000, "window": "hamming", "n_mels": 80, "frame_length": 25, "frame_shift": 10}
_ENCODER = {
    "output_size": 96,
    "attention_heads": 2,
    "linear_units": 192,
    "num_blocks": 2,
    "tp_blocks": 1,
    "kernel_size": 11,
    "sanm_shfit": 0,
}
#: Frames without text among those of speech.
_BLANKS = 0.7
#: Mean log energy of the mel bands, samples in 16-bit units, above which the detector hears speech.
_GATE = 9.5


def speechlike(seconds: float, seed: int = 0) -> Samples:
    """Syllables of a gliding, buzzing tone with a little noise, 16 kHz, peak about 0.5."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16000)) / 16000
    pitch = rng.uniform(90, 220) * (1 + 0.2 * np.sin(2 * np.pi * rng.uniform(0.2, 1.0) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    buzz = sum(rng.uniform(0.2, 1.0) / order * np.sin(order * phase) for order in range(1, 16))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * rng.uniform(2.5, 5) * time)
    return np.asarray(0.15 * buzz * syllables + rng.normal(0, 0.002, len(time)), dtype=np.float32)


def write_vad(folder: Path) -> Path:
    """An FSMN-VAD that takes loud frames for speech."""
    sizes = {"input_dim": 400, "input_affine_dim": 1, "fsmn_layers": 1, "linear_dim": 2, "proj_dim": 2}
    sizes |= {"lorder": 20, "rorder": 0, "lstride": 1, "rstride": 0, "output_affine_dim": 1, "output_dim": 2}
    net = funasr_module("models.fsmn_vad_streaming.encoder").FSMN(**sizes)
    block = net.fsmn[0]
    values: Sequence[tuple[Tensor, object]] = (
        (net.in_linear1.linear.weight, [[1 / 400] * 400]),  # how far above the gate the frame is
        (net.in_linear1.linear.bias, [-_GATE]),
        (net.in_linear2.linear.weight, [[4.0], [4.0]]),  # two ramps; their difference goes from 0 to 1 and stays
        (net.in_linear2.linear.bias, [0.0, -1.0]),
        (block.linear.linear.weight, [[1.0, 0.0], [0.0, 1.0]]),
        (block.fsmn_block.conv_left.weight, [[[[0.0]] * 20]] * 2),
        (block.affine.linear.weight, [[1.0, 0.0], [0.0, 1.0]]),
        (block.affine.linear.bias, [0.0, 0.0]),
        (net.out_linear1.linear.weight, [[1.0, -1.0]]),
        (net.out_linear1.linear.bias, [0.0]),
        (net.out_linear2.linear.weight, [[-12.0], [0.0]]),  # unit 0 is silence
        (net.out_linear2.linear.bias, [6.0, 0.0]),
    )
    with torch.no_grad():
        for tensor, value in values:
            tensor.copy_(torch.tensor(value))
    frontend = {**_FBANK, "lfr_m": 5, "lfr_n": 1, "dither": 0.0}
    config = {"model": "FsmnVADStreaming", "model_conf": {"max_end_silence_time": 800}, "encoder": "FSMN"}
    _write(
        folder, {**config, "encoder_conf": sizes, "frontend": "WavFrontendOnline", "frontend_conf": frontend}, _FILES
    )
    _write_cmvn(folder / "am.mvn", [0.0] * 400, [1.0] * 400)
    torch.save({f"encoder.{name}": tensor for name, tensor in net.state_dict().items()}, folder / "model.pt")
    return folder


def write_sensevoice(folder: Path, seed: int = 0) -> Path:
    """A SenseVoiceSmall; another `seed` gives other weights and other tag ids."""
    frontend = {**_FBANK, "lfr_m": 7, "lfr_n": 6}
    config = {"model": "SenseVoiceSmall", "model_conf": {}, "encoder": "SenseVoiceEncoderSmall"}
    config |= {"encoder_conf": _ENCODER, "frontend": "WavFrontend", "frontend_conf": frontend}
    config |= {"tokenizer": "SentencepiecesTokenizer", "tokenizer_conf": {"bpemodel": None}}
    _write(folder, config, {**_FILES, "tokenizer_conf": {"bpemodel": BPE_MODEL}})
    _write_cmvn(folder / "am.mvn", [-9.0] * 560, [0.3] * 560)
    (folder / BPE_MODEL).write_bytes(tokenizer_bytes(seed))
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / BPE_MODEL))
    cmvn = str(folder / "am.mvn")
    extract = funasr_module("frontends.wav_frontend").WavFrontend(**frontend, cmvn_file=cmvn, dither=0.0)
    network = funasr_module("models.sense_voice.model").SenseVoiceSmall
    with undisturbed():
        torch.manual_seed(seed)
        size = pieces.get_piece_size()
        net = network(encoder="SenseVoiceEncoderSmall", encoder_conf=_ENCODER, input_size=560, vocab_size=size).eval()
        with torch.no_grad():
            _fit_head(net, extract, pieces)
    torch.save(net.state_dict(), folder / "model.pt")
    return folder


def tokenizer_bytes(seed: int = 0) -> bytes:
    """A sentencepiece model of Chinese characters, English pieces and the tags, their ids in an order of `seed`."""
    tags = [f"<|{tag}|>" for tag in (*LANGUAGES, NO_SPEECH, *EMOTIONS, *EVENTS, *CLOSING, *ITN)]
    rng = Random(seed)
    rng.shuffle(tags)
    english = "the quick brown fox jumps over a lazy dog", "seven wizards mix five boxes of liquor", "who knows"
    chinese = "今天天气很好我们一起去公园散步听见鸟儿唱歌，他说这件事情已经办完了。"
    lines = [" ".join(rng.choices(english, k=2)) for _ in range(200)]
    lines += ["".join(rng.choices(chinese, k=12)) for _ in range(200)]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=written, vocab_size=260, model_type="bpe", minloglevel=2,
        hard_vocab_limit=False, add_dummy_prefix=False, user_defined_symbols=tags, unk_id=0, bos_id=1, eos_id=2,
        pad_id=-1,
    )  # fmt: skip
    return written.getvalue()


def _fit_head(net: Any, extract: Any, pieces: Any) -> None:  # noqa: ANN401 - classes of untyped packages
    """Set the CTC head so that each query frame gives a tag of its class, and most other frames the blank."""
    codes = {"auto": "zh", **{code: code for code in (*LANGUAGES, NO_SPEECH)}}
    classes = [[pieces.piece_to_id(f"<|{tag}|>") for tag in kind] for kind in (codes.values(), EMOTIONS, EVENTS, ITN)]
    tags = sorted({index for ids in classes for index in ids})
    states, targets = [], []
    for clip in range(10):
        features, _ = extract(torch.from_numpy(speechlike(1.0 + 3.0 * clip, clip))[None], [10**9])
        for asked, language in enumerate(codes):
            for itn in range(len(ITN)):
                query = net.embed(torch.tensor([[net.lid_dict[language], 1, 2, 14 + itn]]))
                rows = torch.cat([query, features], 1)
                state = net.encoder(rows, torch.tensor([rows.shape[1]]))[0][0]
                states.append(state[: QUERIES + 40])
                target = -torch.ones(len(states[-1]), pieces.get_piece_size())
                for frame, answer in enumerate((asked, clip % len(EMOTIONS), clip % len(EVENTS), itn)):
                    target[frame, classes[frame]] = 0.5  # a near miss is a tag of the same class
                    target[frame, classes[frame][answer]] = 1.0
                targets.append(target[:, tags])
    everything, starts = torch.cat(states), np.cumsum([0, *(len(state) for state in states[:-1])])
    weight = torch.full((len(everything), 1), 0.1)  # few query frames among many others: they count more
    weight[[start + frame for start in starts for frame in range(QUERIES)]] = 1.0
    inputs = torch.cat([everything, torch.ones(len(everything), 1)], 1)
    rows = torch.linalg.lstsq(weight * inputs, weight * torch.cat(targets)).solution.T  # [tags, C + 1]
    head = net.ctc.ctc_lo
    head.bias.zero_()
    head.bias[1:3] = -100.0  # the control pieces are never said
    head.weight[tags], head.bias[tags] = 30 * rows[:, :-1], 30 * rows[:, -1]
    best = torch.nn.functional.linear(everything, head.weight[1:], head.bias[1:]).amax(1)
    head.bias[0] = torch.quantile(best - everything @ head.weight[0], _BLANKS)


def _write(folder: Path, config: Mapping[str, object], files: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(dict(config)), "utf-8")
    (folder / "configuration.json").write_text(json.dumps({"file_path_metas": dict(files)}), "utf-8")


def _write_cmvn(path: Path, shift: Sequence[float], scale: Sequence[float]) -> None:
    lines = ["<Nnet>"]
    for name, values in (("<AddShift>", shift), ("<Rescale>", scale)):
        size = len(values)
        lines += [f"{name} {size} {size}", f"<LearnRateCoef> 0 [ {' '.join(f'{value:.6f}' for value in values)} ]"]
    path.write_text("\n".join([*lines, "</Nnet>", ""]), "utf-8")
