"""SenseVoiceSmall: audio in, tags and CTC tokens out.

The network is FunASR's own (`funasr/models/sense_voice/model.py`, 1.4.16): its encoder, CTC head and query table are
called here directly, since `AutoModel.generate` asks one language of a whole batch, gives no scores and no times.

Shapes: B clips, T LFR frames of 60 ms, F features a frame (560), V vocabulary pieces. Four query frames stand before
the T frames; what the network answers there are the language, emotion, event and text-normalisation tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from tingshuo import EventLabel, ModelError
from tingshuo.types import UNKNOWN, Samples
from tingshuo_sensevoice.config import Precision
from tingshuo_sensevoice.directory import ModelDirectory, fill, open_directory, read_tensors
from tingshuo_sensevoice.tags import NO_SPEECH, Pieces, Tags, find_tags
from tingshuo_sensevoice.upstream import Frontend, funasr_module, undisturbed

Name = TypeVar("Name")

#: Hz, the only rate the model was made for.
SAMPLE_RATE = 16000
QUERIES = 4
#: Rows of the query table that ask for emotion and event; those for language and ITN are in the network's own maps.
_EMOTION_AND_EVENT = (1, 2)
#: What FunASR's constructors raise for sizes that make no network.
_WRONG_SIZES = (TypeError, ValueError, RuntimeError, AssertionError, AttributeError, KeyError, IndexError)


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask of a clip: `language` is a code or "auto"; with "auto", `languages` limits the answer."""

    language: str = "auto"
    languages: tuple[str, ...] = ()
    itn: bool = True
    force_emotion: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A vocabulary piece the CTC head emitted in frames [start, end), query frames not counted."""

    id: int
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer for one clip. `tags` are the ids of the four tags; `tokens` may hold further tags."""

    language: str | None
    language_scores: Mapping[str, float]
    emotion_scores: Mapping[str, float]
    event: EventLabel | None
    event_score: float
    tags: tuple[int, int, int, int]
    tokens: tuple[Token, ...]


class AcousticModel:
    """A loaded SenseVoiceSmall. `frame` is the length of an LFR frame in seconds, `tags` its vocabulary's tags."""

    def __init__(
        self, net: nn.Module, frontend: Frontend, pieces: Pieces, tags: Tags, device: str, precision: Precision
    ) -> None:
        self.net: Any = net.to(device)
        self.frontend = frontend
        self.pieces = pieces
        self.tags = tags
        self.device = torch.device(device)
        self.precision = precision
        self.frame = frontend.lfr_n * frontend.frame_shift / 1000
        #: Middle of the analysis window in the middle of LFR frame 0, which stacks fbank frames -3..3, in seconds.
        self.first_centre = frontend.frame_length / 2000

    def hear(self, clips: Sequence[Samples], questions: Sequence[Question]) -> list[Heard]:
        """Recognise clips, each at least 400 samples, in one padded forward pass.

        Those heard in a language that their question does not allow go through a second pass, in the allowed one.
        """
        return self.answer([self.features(clip) for clip in clips], questions)

    def answer(self, features: Sequence[Tensor], questions: Sequence[Question]) -> list[Heard]:
        """What `hear` gives, from features, each [T, F]."""
        heard = self._answers(features, questions)
        again = {index: code for index, code in enumerate(map(self._other_language, heard, questions)) if code}
        if again:
            forced = [replace(questions[index], language=code, languages=()) for index, code in again.items()]
            repeated = self._answers([features[index] for index in again], forced)
            for index, answer in zip(again, repeated, strict=True):
                heard[index] = answer
        return heard

    def features(self, samples: Samples) -> Tensor:
        """Normalised LFR filter-bank features [T, F]."""
        with torch.inference_mode():
            features, _ = self.frontend(torch.tensor(samples)[None], [len(samples)])
        return features[0]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of vocabulary ids, tags included as they are written."""
        return self.pieces.decode(list(ids))

    @torch.inference_mode()
    def encode(self, features: Sequence[Tensor], questions: Sequence[Question]) -> list[Tensor]:
        """Hidden states of each clip, [4 + T, C], from one pass over features [T, F] padded to the longest."""
        lengths = torch.tensor([len(one) + QUERIES for one in features], device=self.device)
        padded = pad_sequence(list(features), batch_first=True).to(self.device)  # [B, T, F]
        with self._arithmetic():
            states, _ = self.net.encoder(torch.cat([self._queries(questions), padded], 1), lengths)
        return [state[:length] for state, length in zip(states, lengths.tolist(), strict=True)]

    @torch.inference_mode()
    def logits(self, states: Tensor) -> Tensor:
        """Scores [4 + T, V] of the vocabulary from one clip's states; those of a batch would be its largest tensor."""
        with self._arithmetic():
            return cast(Tensor, self.net.ctc.ctc_lo(states)).float()

    def _arithmetic(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _queries(self, questions: Sequence[Question]) -> Tensor:
        # Order of the rows: language, emotion, event, text normalisation (inference() upstream).
        rows = [
            [
                self.net.lid_dict[question.language],
                *_EMOTION_AND_EVENT,
                self.net.textnorm_dict["withitn" if question.itn else "woitn"],
            ]
            for question in questions
        ]
        return cast(Tensor, self.net.embed(torch.tensor(rows, device=self.device)))

    def _answers(self, features: Sequence[Tensor], questions: Sequence[Question]) -> list[Heard]:
        states = self.encode(features, questions)
        return [self._answer(self.logits(one), question) for one, question in zip(states, questions, strict=True)]

    def _answer(self, logits: Tensor, question: Question) -> Heard:
        """Read the logits [4 + T, V] of one clip."""
        languages = {index: code for code, index in self.tags.languages.items()}
        language = self._distribution(logits[0], tuple(languages))
        emotions = {
            index: name for index, name in self.tags.emotions.items() if name != UNKNOWN or not question.force_emotion
        }
        emotion = self._distribution(logits[1], tuple(emotions))
        event = self._distribution(logits[2], tuple(self.tags.events))
        itn = self._distribution(logits[3], tuple(self.tags.itn.values()))
        winners = tuple(max(scores, key=lambda index: scores[index]) for scores in (language, emotion, event, itn))
        label = self.tags.events[winners[2]]
        return Heard(
            language=_language(languages[winners[0]], question),
            language_scores=_folded(language, languages),
            emotion_scores=_folded(emotion, emotions),
            event=label,
            event_score=_folded(event, self.tags.events)[label],
            tags=cast(tuple[int, int, int, int], winners),
            tokens=self._tokens(logits),
        )

    def _other_language(self, heard: Heard, question: Question) -> str:
        """The language to ask for again; "" where the first answer is one that was allowed."""
        if question.language != "auto" or not question.languages or heard.language in (None, *question.languages):
            return ""
        return max(question.languages, key=lambda code: heard.language_scores.get(code, 0.0))

    def _distribution(self, logits: Tensor, ids: Sequence[int]) -> dict[int, float]:
        """Probabilities of `ids` among themselves from the logits [V] of one frame."""
        return dict(zip(ids, logits[list(ids)].softmax(0).tolist(), strict=True))

    def _tokens(self, logits: Tensor) -> tuple[Token, ...]:
        """Greedy CTC over logits [4 + T, V]: repeats collapsed, blanks dropped, scores of the best frame."""
        values, best = logits.max(-1)
        spoken = best.ne(self.net.blank_id).nonzero()[:, 0]
        scores = torch.zeros_like(values)
        # The normaliser is needed in the frames that say something alone, a quarter of all.
        scores[spoken] = (values[spoken] - logits[spoken].logsumexp(-1)).exp()
        ids, certain = best.tolist(), scores.tolist()
        tokens = []
        for index, frames in groupby(range(len(ids)), key=ids.__getitem__):
            run = list(frames)
            # A run that begins in a query frame repeats a tag.
            if index != self.net.blank_id and run[0] >= QUERIES:
                score = max(certain[frame] for frame in run)
                tokens.append(Token(index, run[0] - QUERIES, run[-1] + 1 - QUERIES, score))
        return tuple(tokens)


def _language(code: str, question: Question) -> str | None:
    if code == NO_SPEECH:
        return None
    return code if question.language == "auto" else question.language


def _folded(scores: Mapping[int, float], names: Mapping[int, Name]) -> dict[Name, float]:
    """Probabilities by name; several tags may mean the same."""
    folded: dict[Name, float] = {}
    for index, score in scores.items():
        folded[names[index]] = min(1.0, folded.get(names[index], 0.0) + score)  # sums of rounded parts can exceed 1
    return folded


def load_acoustic_model(path: Path, device: str = "cpu", precision: Precision = "fp32") -> AcousticModel:
    """Load a SenseVoiceSmall directory; raises `ModelError` naming the file or tensor that is wrong."""
    directory = open_directory(path)
    directory.expect("model", "SenseVoiceSmall")
    directory.expect("encoder", "SenseVoiceEncoderSmall")
    directory.expect("tokenizer", "SentencepiecesTokenizer")
    directory.expect("frontend", "WavFrontend", "wav_frontend")
    pieces = _tokenizer(directory)
    vocabulary = pieces.get_piece_size()
    frontend = build_frontend(directory, "WavFrontend")
    weights = directory.file("init_param")
    tensors = read_tensors(weights)
    head = tensors.get("ctc.ctc_lo.weight")
    if head is not None and len(head) != vocabulary:
        bpe = directory.file("tokenizer_conf.bpemodel")
        raise ModelError(f"{bpe} has {vocabulary} pieces, tensor ctc.ctc_lo.weight of {weights} has {len(head)} rows")
    net = fill(_empty_network(directory, frontend.output_size(), vocabulary), tensors, weights)
    tags = find_tags(pieces, str(directory.file("tokenizer_conf.bpemodel")))
    return AcousticModel(net, frontend, pieces, tags, device, precision)


def _tokenizer(directory: ModelDirectory) -> Pieces:
    path = directory.file("tokenizer_conf.bpemodel")
    module = funasr_module("tokenizer.sentencepiece_tokenizer")
    try:
        # Only the path: further keys of tokenizer_conf name files to read.
        tokenizer = module.SentencepiecesTokenizer(bpemodel=path)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path} is no sentencepiece model: {error}") from error
    return cast(Pieces, tokenizer.sp)


def _empty_network(directory: ModelDirectory, inputs: int, vocabulary: int) -> nn.Module:
    # On the meta device nothing is allocated or drawn at random. SpecAugment and normalisation are for training.
    module = funasr_module("models.sense_voice.model")
    encoder = directory.section("encoder_conf")
    encoder.pop("input_size", None)
    sizes = directory.section("model_conf")
    for key in ("specaug", "normalize", "input_size", "vocab_size"):
        sizes.pop(key, None)
    sizes |= {"encoder": "SenseVoiceEncoderSmall", "encoder_conf": encoder, "ctc_conf": directory.section("ctc_conf")}
    try:
        with undisturbed(), torch.device("meta"):
            return cast(nn.Module, module.SenseVoiceSmall(**sizes, input_size=inputs, vocab_size=vocabulary))
    except _WRONG_SIZES as error:
        raise ModelError(f"{directory.file('config')} describes no SenseVoiceSmall: {error}") from error


def build_frontend(directory: ModelDirectory, name: str) -> Frontend:
    """The feature extraction of a directory, without dither, its CMVN checked."""
    path = directory.file("frontend_conf.cmvn_file")
    module = funasr_module("frontends.wav_frontend")
    # Dither adds noise of one quantisation step, drawn anew each time: results would not be reproducible.
    conf = directory.section("frontend_conf") | {"cmvn_file": str(path), "dither": 0.0}
    try:
        frontend = cast(Frontend, getattr(module, name)(**conf))
    except (*_WRONG_SIZES, OSError) as error:
        raise ModelError(f"{path} or frontend_conf of {directory.file('config')} cannot be read: {error}") from error
    if frontend.fs != SAMPLE_RATE:
        raise ModelError(f"{directory.file('config')}: frontend_conf.fs is {frontend.fs}; it must be {SAMPLE_RATE}")
    have, want = tuple(frontend.cmvn.shape), (2, frontend.output_size())
    if have != want:
        raise ModelError(f"{path} holds {have[-1]} means and variances; config.yaml asks for {want[1]}")
    if not np.isfinite(frontend.cmvn.numpy()).all():
        raise ModelError(f"{path} has values that are not finite")
    return frontend
