# SPDX-License-Identifier: Apache-2.0
"""Recognise with the trained model as the platform will: features, normalisation, arg max, collapse, text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from batches import LANGUAGE_QUERY, LATIN, TAG_QUERIES, WITHITN, Pieces
from features import features
from model import QUERIES, SenseVoice, Shape
from torch import Tensor

BPE = "chn_jpn_yue_eng_ko_spectok.bpe.model"


@dataclass(frozen=True)
class Heard:
    """The four tags without their brackets, and the text."""

    language: str
    emotion: str
    event: str
    itn: str
    text: str


class Decoder:
    """The moving average of a checkpoint, ready to recognise."""

    def __init__(self, folder: Path) -> None:
        self.pieces = Pieces(folder / BPE)
        saved = torch.load(folder / "last.pt", weights_only=True)
        self.model = SenseVoice(Shape(self.pieces.count, LATIN + len(self.pieces.syllables))).eval()
        self.model.load_state_dict(saved["average"])
        self.shift, self.scale = saved["normalisation"]
        self.spent, self.step = float(saved["spent"]), int(saved["step"])

    @torch.inference_mode()
    def hear(self, samples: Tensor, itn: int = WITHITN) -> Heard:
        """What is said in float `samples` at 16 kHz, in whichever language; `itn`: the query WITHITN or WOITN."""
        rows = (features(samples) + self.shift) * self.scale
        queries = torch.tensor([[LANGUAGE_QUERY["auto"], *TAG_QUERIES, itn]])
        logits, _ = self.model(rows[None], torch.tensor([len(rows)]), queries)
        best = logits[0].argmax(-1)
        language_tag, emotion, event, itn_tag = (self.tag(piece) for piece in best[:QUERIES].tolist())
        said = [piece for piece in torch.unique_consecutive(best[QUERIES:]).tolist() if piece]
        return Heard(language_tag, emotion, event, itn_tag, self.pieces.model.decode(said).strip())

    def tag(self, piece: int) -> str:
        """The name of a tag piece."""
        name: str = self.pieces.model.id_to_piece(piece)
        return name.strip("<|>")
