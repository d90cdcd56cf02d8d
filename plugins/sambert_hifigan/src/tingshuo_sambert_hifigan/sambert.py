"""SAMBERT, the acoustic model: symbol ids in, mel frames out, in the reference's arithmetic and without its state.

Source: "SAMBERT" of KAN-TTS 66202d0 (MIT), kantts/models/sambert/{kantts_sambert,adaptors,fsmn,positions}.py. The
decoder is PNCA, a hybrid of self-attention and monotonic memory attention, both inside a band (Li et al. 2020,
"RobuTrans"/"PNCA"); pitch, energy and postnet are deep FSMNs (Zhang et al. 2018). Attribute names are the names in
the checkpoints. Only inference is here: there is no dropout, and every padded position is exactly zero, so that a
line gives the same in a batch as alone (upstream's batches do not).

Letters: B lines, F features of a symbol, N symbols of the longest line, T frames, S decoder steps, r frames in a
step, D width of encoder or decoder, H heads, P width of the projected text, M channels of a mel frame (80; with NSF
82: f0 and voicing last), C width of the decoder's memory (r text rows, speaker, emotion).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from tingshuo_sambert_hifigan.layers import (
    EPS,
    FeedForward,
    Fsmn,
    Prenet,
    attention,
    by_head,
    masked,
    padded,
    together,
    valid_positions,
)
from tingshuo_sambert_hifigan.pnca import DecoderSizes, MelDecoder, MelPncaDecoder, Plan
from tingshuo_sambert_hifigan.postnet import Postnet, PostnetSizes

if TYPE_CHECKING:
    from tingshuo_sambert_hifigan.stepper import Stepper

#: Wavelengths of both position codes run geometrically up to this many positions.
LONGEST_WAVELENGTH = 10_000
#: Filled pauses in the order of the predictor's classes 1 to 3: how "en", "a" and "e" are drawled.
FILLED_PAUSES = (("ge", "en_c", "#3"), ("ga", "a_c", "#3"), ("ge", "e_c", "#3"))


@dataclass(frozen=True, slots=True)
class SambertConfig:
    """Sizes, named as in `am/config.yaml`; the last five are read off the checkpoint's tensors."""

    embedding_dim: int
    encoder_num_layers: int
    encoder_num_heads: int
    encoder_num_units: int
    encoder_ffn_inner_dim: int
    encoder_projection_units: int
    speaker_units: int
    emotion_units: int
    predictor_filter_size: int
    predictor_fsmn_num_layers: int
    predictor_num_memory_units: int
    predictor_ffn_inner_dim: int
    predictor_shift: tuple[int, ...]
    predictor_lstm_units: int
    dur_pred_prenet_units: tuple[int, ...]
    dur_pred_lstm_units: int
    decoder_prenet_units: tuple[int, ...]
    decoder_num_layers: int
    decoder_num_heads: int
    decoder_num_units: int
    decoder_ffn_inner_dim: int
    outputs_per_step: int
    num_mels: int
    postnet_filter_size: int
    postnet_fsmn_num_layers: int
    postnet_num_memory_units: int
    postnet_ffn_inner_dim: int
    postnet_shift: tuple[int, ...]
    postnet_lstm_units: int
    positions: int
    symbol_rows: tuple[int, ...]
    emotion_rows: int
    speaker_rows: int
    filled_pauses: bool

    @property
    def variance_width(self) -> int:
        """Width of [text | speaker | emotion], what pitch, energy and duration are predicted from."""
        return self.encoder_projection_units + self.speaker_units + self.emotion_units

    @property
    def memory_width(self) -> int:
        """C: r text rows, and speaker and emotion of the first."""
        return self.outputs_per_step * self.encoder_projection_units + self.speaker_units + self.emotion_units

    @property
    def decoder(self) -> DecoderSizes:
        """The sizes of the mel decoder."""
        return DecoderSizes(
            width=self.decoder_num_units,
            heads=self.decoder_num_heads,
            memory=self.memory_width,
            mels=self.num_mels,
            frames=self.outputs_per_step,
            layers=self.decoder_num_layers,
            inner=self.decoder_ffn_inner_dim,
            prenet=self.decoder_prenet_units,
        )

    @property
    def postnet(self) -> PostnetSizes:
        """The sizes of the postnet."""
        return PostnetSizes(
            mels=self.num_mels,
            inner=self.postnet_ffn_inner_dim,
            width=self.postnet_num_memory_units,
            kernel=self.postnet_filter_size,
            shifts=self.postnet_shift,
            lstm=self.postnet_lstm_units,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """One line to speak.

    ids: [F, N] int64, without the closing `~`. emotion_weights: [N], the way from the neutral row (0) to the row in
    `ids` (1) and beyond; None means 1. speaker: [speaker_units] of a voice with a speaker embedding.
    """

    ids: Tensor
    emotion_weights: Tensor | None = None
    speaker: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Prosody:
    """speed: factor on the tempo. Pitch, which the model predicts normalised, becomes `pitch * scale + offset`."""

    speed: float = 1.0
    pitch_scale: float = 1.0
    pitch_offset: float = 0.0


def sinusoids(positions: int, width: int) -> Tensor:
    """[positions, width]: sines in the first half of a row, cosines in the second; counted from 1."""
    exponents = np.arange(width // 2) / (width / 2 - 1)
    angles = np.arange(1, positions + 1)[:, None] / np.power(LONGEST_WAVELENGTH, exponents)[None]
    return torch.from_numpy(np.concatenate([np.sin(angles), np.cos(angles)], axis=1)).float()


# ---- text encoder


class SelfAttention(nn.Module):
    """Multi-head attention over the whole line, normalised first."""

    def __init__(self, d_in: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.layer_norm = nn.LayerNorm(d_in, eps=EPS)
        self.w_qkv = nn.Linear(d_in, 3 * width)
        self.fc = nn.Linear(width, width)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """[B, N, d_in] -> [B, N, D]; the residual is added only where the widths agree, as upstream does."""
        query, key, value = by_head(self.w_qkv(self.layer_norm(x)), 3, self.heads)
        forbidden = None if valid is None else ~valid[:, None].repeat(self.heads, 1, 1)
        y: Tensor = self.fc(together(attention(query, key, value, forbidden), len(x)))
        return y + x if y.shape == x.shape else y


class FftBlock(nn.Module):
    """Self-attention and feed-forward layer of the encoder."""

    def __init__(self, d_in: int, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.slf_attn = SelfAttention(d_in, width, heads)
        self.pos_ffn = FeedForward(width, inner, 3)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """[B, N, d_in] -> [B, N, D]."""
        x = masked(self.slf_attn(x, valid), valid)
        return masked(self.pos_ffn(x, valid), valid)


class PositionTable(nn.Module):
    """Sinusoids kept in the checkpoint; a longer line gets its own table."""

    def __init__(self, positions: int, width: int) -> None:
        super().__init__()
        self.position_enc = nn.Parameter(torch.empty(1, positions, width))

    def forward(self, x: Tensor) -> Tensor:
        """The x [B, N, width] and the codes of its positions."""
        length, width = x.shape[1:]
        if length > self.position_enc.shape[1]:
            return x + sinusoids(length, width).to(x)
        return x + self.position_enc[:, :length]


class SelfAttentionEncoder(nn.Module):
    """Position code, FFT blocks, layer norm."""

    def __init__(self, config: SambertConfig) -> None:
        super().__init__()
        width, layers = config.encoder_num_units, config.encoder_num_layers
        # The embeddings are wider than the model, but upstream scales them by the model's width.
        self.scale = math.sqrt(width)
        self.fft = nn.ModuleList(
            FftBlock(d_in, width, config.encoder_num_heads, config.encoder_ffn_inner_dim)
            for d_in in [config.embedding_dim] + [width] * (layers - 1)
        )
        self.ln = nn.LayerNorm(width, eps=EPS)
        self.position_enc = PositionTable(config.positions, config.embedding_dim)

    def forward(self, x: Tensor, valid: Tensor | None) -> Tensor:
        """[B, N, embedding_dim] -> [B, N, D]."""
        x = masked(self.position_enc(x * self.scale), valid)
        for block in self.fft:
            x = block(x, valid)
        return self.ln(x)  # type: ignore[no-any-return]


class TextEncoder(nn.Module):
    """Sum of the feature embeddings, encoder, projection."""

    def __init__(self, config: SambertConfig) -> None:
        super().__init__()
        rows, width = config.symbol_rows, config.embedding_dim
        self.names = ("byte_index_emb",) if len(rows) == 1 else ("sy_emb", "tone_emb", "syllable_flag_emb", "ws_emb")
        for name, count in zip(self.names, rows, strict=True):
            self.add_module(name, nn.Embedding(count, width))
        self.ling_enc = SelfAttentionEncoder(config)
        self.ling_proj = nn.Linear(config.encoder_num_units, config.encoder_projection_units, bias=False)

    def forward(self, ids: Tensor, valid: Tensor | None) -> Tensor:
        """From ids [B, N, F] (emotion and speaker behind the features of the text are not read) -> [B, N, P]."""
        embedded = sum(self.get_submodule(name)(ids[..., index]) for index, name in enumerate(self.names))
        return masked(self.ling_proj(self.ling_enc(embedded, valid)), valid)


# ---- variance adaptor: pitch, energy, duration


class VariancePredictor(nn.Module):
    """Pitch or energy of every symbol, normalised as in training: FSMN, bidirectional LSTM, linear."""

    def __init__(self, config: SambertConfig) -> None:
        super().__init__()
        width = config.predictor_num_memory_units
        self.fsmn = Fsmn(
            config.variance_width,
            config.predictor_ffn_inner_dim,
            width,
            config.predictor_filter_size,
            config.predictor_shift,
        )
        self.blstm = nn.LSTM(width, config.predictor_lstm_units, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * config.predictor_lstm_units, 1)

    def forward(self, x: Tensor, lengths: Sequence[int], valid: Tensor | None) -> Tensor:
        """[B, N, variance_width] -> [B, N]."""
        x = self.fsmn(x, valid)
        if valid is None:
            y, _ = self.blstm(x)
        else:
            # Packed, or the backward direction would start in the padding.
            packed = nn.utils.rnn.pack_padded_sequence(x, list(lengths), batch_first=True, enforce_sorted=False)
            y, _ = nn.utils.rnn.pad_packed_sequence(self.blstm(packed)[0], batch_first=True, total_length=x.shape[1])
        return masked(self.fc(y), valid).squeeze(-1)


class DurationPredictor(nn.Module):
    """log(frames + 1) of one symbol after the other, each from the one before."""

    def __init__(self, config: SambertConfig) -> None:
        super().__init__()
        units = config.dur_pred_prenet_units
        self.prenet = Prenet((1, *units))
        self.lstm = nn.LSTM(
            units[-1] + config.variance_width, config.dur_pred_lstm_units, num_layers=2, batch_first=True
        )
        self.fc = nn.Linear(config.dur_pred_lstm_units, 1)

    def forward(self, condition: Tensor) -> Tensor:
        """[B, N, variance_width] -> [B, N], none below 0."""
        last = condition.new_zeros(len(condition), 1, 1)
        state: tuple[Tensor, Tensor] | None = None
        steps = []
        for index in range(condition.shape[1]):
            y, state = self.lstm(torch.cat([self.prenet(last), condition[:, index : index + 1]], dim=-1), state)
            last = F.relu(self.fc(y))
            steps.append(last)
        return torch.cat(steps, dim=1).squeeze(-1)


class DurationPosition(nn.Module):
    """Sinusoids of a frame's place in its symbol, sines and cosines in turn."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # Wavelengths, in spite of the name.
        self.inv_timescales = nn.Parameter(torch.empty(width))

    def forward(self, places: Tensor) -> Tensor:
        """From places [T], counted from 1; 0 on padding -> [T, P]."""
        angles = places[:, None] / self.inv_timescales
        codes = torch.empty_like(angles)
        codes[:, 0::2], codes[:, 1::2] = angles[:, 0::2].sin(), angles[:, 1::2].cos()
        return codes


class VarianceAdaptor(nn.Module):
    """Predicts pitch, energy and duration of the symbols and stretches them to frames."""

    def __init__(self, config: SambertConfig) -> None:
        super().__init__()
        width = config.encoder_projection_units
        self.pitch_predictor = VariancePredictor(config)
        self.energy_predictor = VariancePredictor(config)
        self.duration_predictor = DurationPredictor(config)
        self.dur_position_encoder = DurationPosition(width)
        self.pitch_emb = nn.Conv1d(1, width, 9, padding=4)
        self.energy_emb = nn.Conv1d(1, width, 9, padding=4)

    def forward(
        self,
        features: tuple[Tensor, Tensor, Tensor],
        lengths: Sequence[int],
        prosody: Prosody,
        predict: Callable[[Tensor], Tensor],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From text, speaker and emotion [B, N, …] to the text with pitch and energy in it, and log durations (by
        `predict`), pitch and energy [B, N].
        """
        text, speaker, emotion = features
        valid = valid_positions(lengths, text.device)
        x = torch.cat([text, speaker, emotion], dim=-1)
        pitch = self.pitch_predictor(x, lengths, valid)
        if prosody.pitch_scale != 1 or prosody.pitch_offset != 0:
            pitch = masked((pitch * prosody.pitch_scale + prosody.pitch_offset)[..., None], valid)[..., 0]
        energy = self.energy_predictor(x, lengths, valid)
        # In upstream's order, pitch before energy: see `attention`.
        text = text + self.pitch_emb(pitch[:, None]).transpose(1, 2)
        text = text + self.energy_emb(energy[:, None]).transpose(1, 2)
        durations = predict(torch.cat([text, speaker, emotion], dim=-1))
        return text, masked(durations[..., None], valid)[..., 0], pitch, energy

    def stretch(self, features: Sequence[Tensor], repeats: Tensor, step: int) -> Tensor:
        """Text, speaker and emotion [N, …] of one line, `repeats` [N] times each -> decoder memory [S, C]."""
        text, speaker, emotion = features
        place = torch.arange(len(text), device=text.device).repeat_interleave(repeats)
        frames, padding = len(place), -len(place) % step
        starts = (repeats.cumsum(0) - repeats)[place]
        inside = torch.arange(frames, device=text.device) - starts + 1
        rows = F.pad(text[place], (0, 0, 0, padding)) + self.dur_position_encoder(F.pad(inside, (0, padding)).float())
        first = place[::step]
        return torch.cat([rows.reshape(len(first), step * rows.shape[1]), speaker[first], emotion[first]], dim=-1)


# ---- the whole


class FilledPausePredictor(nn.Module):
    """Where a voice of the FP variant drawls "en", "a" or "e"."""

    def __init__(self, config: SambertConfig) -> None:
        super().__init__()
        width, inner = config.encoder_projection_units, config.embedding_dim // 2
        self.w_1 = nn.Conv1d(width, inner, 3, padding=1)
        self.w_2 = nn.Conv1d(inner, width, 1)
        self.layer_norm1 = nn.LayerNorm(inner, eps=EPS)
        self.layer_norm2 = nn.LayerNorm(width, eps=EPS)
        self.fc = nn.Linear(width, 4)

    def forward(self, text: Tensor) -> Tensor:
        """[1, N, P] -> [N] classes, 0 for none, else 1 + index in `FILLED_PAUSES`."""
        x = self.layer_norm1(F.relu(self.w_1(text.transpose(1, 2))).transpose(1, 2))
        x = self.layer_norm2(F.relu(self.w_2(x.transpose(1, 2))).transpose(1, 2))
        return self.fc(x)[0].argmax(-1)  # type: ignore[no-any-return]


class Sambert(nn.Module):
    """Use: `plan` some lines, `start` the decoder on the plans, `step` until done, `push` the frames through the
    postnet. Holds weights only; what belongs to a call lies in its `DecoderState` and `PostnetState`.
    """

    #: Ids [3, F] of the three filled pauses; set by the loader for a voice that has them.
    pauses: Sequence[Tensor] = ()

    def __init__(self, config: SambertConfig) -> None:
        super().__init__()
        self.config = config
        self.text_encoder = TextEncoder(config)
        if config.speaker_rows:
            self.spk_tokenizer = nn.Embedding(config.speaker_rows, config.speaker_units)
        self.emo_tokenizer = nn.Embedding(config.emotion_rows, config.emotion_units)
        self.variance_adaptor = VarianceAdaptor(config)
        self.mel_decoder = MelPncaDecoder(config.decoder)
        self.mel_postnet = Postnet(config.postnet)
        if config.filled_pauses:
            self.FP_predictor = FilledPausePredictor(config)

    @property
    def decoder(self) -> MelDecoder:
        """The decoder, without the wrapping that the checkpoint's names ask for."""
        return self.mel_decoder.mel_dec

    def plan(self, lines: Sequence[Line], neutral: int, prosody: Prosody, stepper: Stepper | None = None) -> list[Plan]:
        """Encode the lines and predict pitch, energy and durations, these with `stepper` where there is one.

        neutral: the neutral emotion's id.
        """
        lengths = [line.ids.shape[1] for line in lines]
        device = lines[0].ids.device
        text = self.text_encoder(padded([line.ids.T for line in lines]), valid_positions(lengths, device))
        rows = [text[index, :length] for index, length in enumerate(lengths)]
        if self.config.filled_pauses:
            rows = [self._with_pauses(row) for row in rows]
            lengths = [len(row) for row in rows]
        emotion = padded([self._emotion(line, neutral, count) for line, count in zip(lines, lengths, strict=True)])
        speaker = padded([self._speaker(line, count) for line, count in zip(lines, lengths, strict=True)])
        features = (padded(rows), speaker, emotion)
        predict = stepper.durations if stepper else self.variance_adaptor.duration_predictor
        text, log_durations, pitch, energy = self.variance_adaptor(features, lengths, prosody, predict)
        plans = []
        for index, count in enumerate(lengths):
            durations = (log_durations[index, :count].exp() - 1) / prosody.speed
            repeats = (durations + 0.5).long()
            own = [part[index, :count] for part in (text, speaker, emotion)]
            memory = self.variance_adaptor.stretch(own, repeats, self.config.outputs_per_step)
            band = int(durations.max() / self.config.outputs_per_step + 0.5)
            known = [part[index, :count] for part in (log_durations, pitch, energy)]
            plans.append(Plan(known[0], known[1], known[2], memory, int(repeats.sum()), band))
        return plans

    def _with_pauses(self, text: Tensor) -> Tensor:
        classes = self.FP_predictor(text[None]).tolist()
        encoded = {kind: self.text_encoder(self.pauses[kind - 1].T[None], None)[0] for kind in set(classes) - {0}}
        return torch.cat(
            [row for kind, own in zip(classes, text, strict=True) for row in (encoded.get(kind, own[:0]), own[None])]
        )

    def _emotion(self, line: Line, neutral: int, count: int) -> Tensor:
        """[count, emotion_units]; ids are repeated from the front where filled pauses made the line longer."""
        rows = self.emo_tokenizer(line.ids[-2])
        if line.emotion_weights is not None:
            start = self.emo_tokenizer.weight[neutral].expand_as(rows)
            rows = torch.lerp(start, rows, line.emotion_weights[:, None].to(rows))
        return rows[torch.arange(count, device=rows.device) % len(rows)]  # type: ignore[no-any-return]

    def _speaker(self, line: Line, count: int) -> Tensor:
        """[count, speaker_units]."""
        if line.speaker is not None:
            return line.speaker.expand(count, -1)
        rows = self.spk_tokenizer(line.ids[-1])
        return rows[torch.arange(count, device=rows.device) % len(rows)]  # type: ignore[no-any-return]

    def decode(self, plans: Sequence[Plan], stepper: Stepper | None = None) -> Iterator[Tensor]:
        """The decoder's frames [B, r, M] step by step, to the end of the longest line; by `stepper` if there is one."""
        count = max(len(plan.memory) for plan in plans)
        if not count:
            return
        if stepper is None:
            state = self.decoder.start(plans)
            yield from (self.decoder.step(state) for _ in range(count))
        else:
            decoding = stepper.start(plans)
            yield from (stepper.step(decoding) for _ in range(count))
