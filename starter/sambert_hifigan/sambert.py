# SPDX-License-Identifier: Apache-2.0
"""SAMBERT for training: the whole line in parallel, the official parameter names.

Architecture: KAN-TTS 66202d0 (MIT), kantts/models/sambert/{kantts_sambert,adaptors,fsmn,positions}.py. In use the
decoder gives r frames, looks at the last of them and goes on; here the frames are known, so all steps are computed at
once behind the masks of PNCA. Durations, pitch and energy are likewise those of the speech and not the predicted ones.
Padded positions are exactly zero, so a line gives the same in a batch as alone and as in the plugin.

Letters: B lines, N symbols, T frames (a multiple of r), S = T / r decoder steps, D width, P width of the projected
text, M channels of a frame (80 mels, f0, voicing), C width of the decoder's memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from acoustic_layers import EPS, FeedForward, Fsmn, Prenet
from torch import Tensor, nn
from torch.nn import functional

LONGEST_WAVELENGTH = 10_000.0


@dataclass(frozen=True)
class Sizes:
    """What `am/config.yaml` states under the same names, but `…_rows`, the lengths of tables, and `dropout` for all."""

    embedding_dim: int = 128
    encoder_num_layers: int = 4
    encoder_num_heads: int = 4
    encoder_num_units: int = 128
    encoder_ffn_inner_dim: int = 384
    encoder_projection_units: int = 64
    speaker_units: int = 8
    emotion_units: int = 24
    predictor_filter_size: int = 15
    predictor_fsmn_num_layers: int = 2
    predictor_num_memory_units: int = 64
    predictor_ffn_inner_dim: int = 128
    predictor_shift: int = 0
    predictor_lstm_units: int = 48
    dur_pred_prenet_units: tuple[int, ...] = (32, 32)
    dur_pred_lstm_units: int = 96
    decoder_prenet_units: tuple[int, ...] = (128, 128)
    decoder_num_layers: int = 5
    decoder_num_heads: int = 8
    decoder_num_units: int = 128
    decoder_ffn_inner_dim: int = 512
    outputs_per_step: int = 3
    num_mels: int = 82
    postnet_filter_size: int = 21
    postnet_fsmn_num_layers: int = 3
    postnet_num_memory_units: int = 96
    postnet_ffn_inner_dim: int = 192
    postnet_shift: int = 7
    postnet_lstm_units: int = 64
    max_len: int = 400
    symbol_rows: tuple[int, ...] = (147, 10, 8, 8)
    emotion_rows: int = 36
    speaker_rows: int = 4
    dropout: float = 0.05

    @property
    def variance_width(self) -> int:
        """Width of [text | speaker | emotion]."""
        return self.encoder_projection_units + self.speaker_units + self.emotion_units

    @property
    def memory_width(self) -> int:
        """C: r rows of text, speaker and emotion of the first."""
        return self.outputs_per_step * self.encoder_projection_units + self.speaker_units + self.emotion_units


@dataclass
class Speech:
    """Lines and how they are said.

    ids [B, N, 6]; there [B, N] True where a symbol is; durations [B, N] in frames; pitch, energy [B, N]; place and
    inside [B, T]: of each frame its symbol and its number in it from 1 on, both 0 behind the end; frames [B].
    """

    ids: Tensor
    there: Tensor
    durations: Tensor
    pitch: Tensor
    energy: Tensor
    place: Tensor
    inside: Tensor
    frames: Tensor


@dataclass
class Predicted:
    """What the variance adaptor says: before the last ReLU raw [B, N], pitch and energy [B, N], text [B, N, P]."""

    durations: Tensor
    pitch: Tensor
    energy: Tensor
    text: Tensor


def sinusoids(positions: int, width: int) -> Tensor:
    """[1, positions, width]: sines in the first half of a row, cosines in the second; counted from 1."""
    exponents = torch.arange(width // 2, dtype=torch.float64) / (width / 2 - 1)
    angles = torch.arange(1, positions + 1)[:, None] / LONGEST_WAVELENGTH**exponents
    return torch.cat([angles.sin(), angles.cos()], 1)[None].float()


# ---- text encoder


class SelfAttention(nn.Module):
    """Multi-head attention over the line, normalised first."""

    def __init__(self, width_in: int, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.encoder_num_units
        self.heads, self.dropout = sizes.encoder_num_heads, sizes.dropout
        self.layer_norm = nn.LayerNorm(width_in, eps=EPS)
        self.w_qkv = nn.Linear(width_in, 3 * width)
        self.fc = nn.Linear(width, width)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        lines, length, _ = rows.shape
        qkv = self.w_qkv(self.layer_norm(rows)).view(lines, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value, attn_mask=there[:, None, None])
        y: Tensor = self.fc(heard.transpose(1, 2).reshape(lines, length, -1))
        y = functional.dropout(y, self.dropout, self.training)
        return y + rows if y.shape == rows.shape else y


class FftBlock(nn.Module):
    """Self-attention and feed-forward layer."""

    def __init__(self, width_in: int, sizes: Sizes) -> None:
        super().__init__()
        self.slf_attn = SelfAttention(width_in, sizes)
        self.pos_ffn = FeedForward(sizes.encoder_num_units, sizes.encoder_ffn_inner_dim, 3, sizes.dropout)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        rows = self.slf_attn(rows, there) * there[..., None]
        y: Tensor = self.pos_ffn(rows, there) * there[..., None]
        return y


class PositionTable(nn.Module):
    """The sinusoids, which the checkpoint holds as a parameter; they are not trained."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.position_enc = nn.Parameter(sinusoids(sizes.max_len, sizes.embedding_dim), requires_grad=False)


class SelfAttentionEncoder(nn.Module):
    """Position code, FFT blocks, layer norm."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.scale = math.sqrt(sizes.encoder_num_units)
        widths = [sizes.embedding_dim] + [sizes.encoder_num_units] * (sizes.encoder_num_layers - 1)
        self.fft = nn.ModuleList(FftBlock(width, sizes) for width in widths)
        self.ln = nn.LayerNorm(sizes.encoder_num_units, eps=EPS)
        self.position_enc = PositionTable(sizes)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        rows = (rows * self.scale + self.position_enc.position_enc[:, : rows.shape[1]]) * there[..., None]
        for block in self.fft:
            rows = block(rows, there)
        out: Tensor = self.ln(rows)
        return out


class TextEncoder(nn.Module):
    """Sum of the embeddings of phone, tone and place in syllable and word, encoder, projection."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.names = ("sy_emb", "tone_emb", "syllable_flag_emb", "ws_emb")
        for name, count in zip(self.names, sizes.symbol_rows, strict=True):
            embedding = nn.Embedding(count, sizes.embedding_dim)
            nn.init.normal_(embedding.weight, std=sizes.embedding_dim**-0.5)
            self.add_module(name, embedding)
        self.ling_enc = SelfAttentionEncoder(sizes)
        self.ling_proj = nn.Linear(sizes.encoder_num_units, sizes.encoder_projection_units, bias=False)

    def forward(self, ids: Tensor, there: Tensor) -> Tensor:
        """From ids [B, N, 6], of which the first four are read -> [B, N, P]."""
        rows = [self.get_submodule(name)(ids[..., index]) for index, name in enumerate(self.names)]
        out: Tensor = self.ling_proj(self.ling_enc(torch.stack(rows).sum(0), there)) * there[..., None]
        return out


# ---- variance adaptor


class VariancePredictor(nn.Module):
    """Pitch or energy of every symbol: FSMN, bidirectional LSTM, linear."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, shifts = sizes.predictor_num_memory_units, [sizes.predictor_shift] * sizes.predictor_fsmn_num_layers
        self.fsmn = Fsmn(
            sizes.variance_width, sizes.predictor_ffn_inner_dim, width, sizes.predictor_filter_size, shifts
        )
        self.blstm = nn.LSTM(width, sizes.predictor_lstm_units, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * sizes.predictor_lstm_units, 1)

    def forward(self, rows: Tensor, there: Tensor) -> Tensor:
        """[B, N, variance_width] -> [B, N]."""
        rows = self.fsmn(rows, there)
        # Packed, or the backward direction would start in the padding.
        packed = nn.utils.rnn.pack_padded_sequence(rows, there.sum(1), batch_first=True, enforce_sorted=False)
        y, _ = nn.utils.rnn.pad_packed_sequence(self.blstm(packed)[0], batch_first=True, total_length=rows.shape[1])
        out: Tensor = self.fc(y)[..., 0] * there
        return out


class DurationPredictor(nn.Module):
    """log(frames + 1) of a symbol from those before it."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        units, width = sizes.dur_pred_prenet_units, sizes.dur_pred_lstm_units
        self.prenet = Prenet((1, *units), None, 0.5)
        self.lstm = nn.LSTM(units[-1] + sizes.variance_width, width, num_layers=2, batch_first=True)
        self.fc = nn.Linear(width, 1)
        nn.init.constant_(self.fc.bias, 1.5)

    def forward(self, rows: Tensor, known: Tensor) -> Tensor:
        """From [B, N, variance_width] and the true log durations [B, N] -> raw [B, N]; in use a ReLU follows."""
        before = functional.pad(known, (1, 0))[:, :-1, None]
        y, _ = self.lstm(torch.cat([self.prenet(before), rows], -1))
        out: Tensor = self.fc(y)[..., 0]
        return out


class DurationPosition(nn.Module):
    """Sinusoids of a frame's number in its symbol, sines and cosines in turn."""

    def __init__(self, width: int) -> None:
        super().__init__()
        powers = 2 * (torch.arange(width) // 2) / width
        self.inv_timescales = nn.Parameter(LONGEST_WAVELENGTH**powers, requires_grad=False)

    def forward(self, numbers: Tensor) -> Tensor:
        """[B, T] -> [B, T, P]."""
        angles = numbers[..., None] / self.inv_timescales
        out: Tensor = torch.stack([angles[..., 0::2].sin(), angles[..., 1::2].cos()], -1).flatten(-2)
        return out


class VarianceAdaptor(nn.Module):
    """Pitch, energy and durations of the symbols, and their text stretched to frames."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.encoder_projection_units
        self.step = sizes.outputs_per_step
        self.pitch_predictor = VariancePredictor(sizes)
        self.energy_predictor = VariancePredictor(sizes)
        self.duration_predictor = DurationPredictor(sizes)
        self.dur_position_encoder = DurationPosition(width)
        self.pitch_emb = nn.Conv1d(1, width, 9, padding=4)
        self.energy_emb = nn.Conv1d(1, width, 9, padding=4)

    def forward(self, text: Tensor, manner: Tensor, speech: Speech, own: Tensor) -> Predicted:
        """What is predicted from text [B, N, P] and manner (speaker, emotion) [B, N, …].

        own [B]: True for lines that go on with the predicted pitch and energy in place of the true ones.
        """
        rows = torch.cat([text, manner], -1)
        pitch, energy = self.pitch_predictor(rows, speech.there), self.energy_predictor(rows, speech.there)
        used = [
            torch.where(own[:, None], guess.detach(), true)
            for guess, true in ((pitch, speech.pitch), (energy, speech.energy))
        ]
        text = text + (self.pitch_emb(used[0][:, None]) + self.energy_emb(used[1][:, None])).transpose(1, 2)
        known = (speech.durations + 1).log()
        durations = self.duration_predictor(torch.cat([text, manner], -1), known)
        return Predicted(durations, pitch, energy, text)

    def stretch(self, text: Tensor, manner: Tensor, speech: Speech) -> Tensor:
        """The decoder's memory [B, S, C]."""
        lines, frames = speech.place.shape
        rows = torch.gather(text, 1, speech.place[..., None].expand(-1, -1, text.shape[-1]))
        rows = rows * (speech.inside > 0)[..., None] + self.dur_position_encoder(speech.inside)
        first = speech.place[:, :: self.step, None].expand(-1, -1, manner.shape[-1])
        memory = torch.cat([rows.view(lines, frames // self.step, -1), torch.gather(manner, 1, first)], -1)
        starts = torch.arange(0, frames, self.step)[None] < speech.frames[:, None]
        return memory * starts[..., None]


# ---- decoder and postnet


class PncaAttention(nn.Module):
    """Attention over the own past (x) and over the memory that comes (h), with one query for both."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.decoder_num_units
        self.heads, self.dropout = sizes.decoder_num_heads, sizes.dropout
        self.layer_norm = nn.LayerNorm(width, eps=EPS)
        self.w_x_qkv = nn.Linear(width, 3 * width)
        self.fc_x = nn.Linear(width, width)
        self.w_h_kv = nn.Linear(sizes.memory_width, 2 * width)
        self.fc_h = nn.Linear(width, width)

    def forward(self, rows: Tensor, memory: Tensor, masks: tuple[Tensor, Tensor]) -> Tensor:
        lines, steps, _ = rows.shape
        qkv = self.w_x_qkv(self.layer_norm(rows)).view(lines, steps, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        past = functional.scaled_dot_product_attention(query, key, value, attn_mask=masks[0])
        key, value = self.w_h_kv(memory).view(lines, steps, 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        text = functional.scaled_dot_product_attention(query, key, value, attn_mask=masks[1])
        own, other = (part.transpose(1, 2).reshape(lines, steps, -1) for part in (past, text))
        return rows + functional.dropout(self.fc_x(own) + self.fc_h(other), self.dropout, self.training)


class PncaBlock(nn.Module):
    """PNCA and feed-forward layer."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.pnca_attn = PncaAttention(sizes)
        self.pos_ffn = FeedForward(sizes.decoder_num_units, sizes.decoder_ffn_inner_dim, 1, sizes.dropout)

    def forward(self, rows: Tensor, memory: Tensor, masks: tuple[Tensor, Tensor]) -> Tensor:
        out: Tensor = self.pos_ffn(self.pnca_attn(rows, memory, masks))
        return out


class MelDecoder(nn.Module):
    """r frames a step from the memory and the last frame of the step before."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, self.step = sizes.decoder_num_units, sizes.outputs_per_step
        self.scale = math.sqrt(width)
        self.prenet = Prenet((sizes.num_mels, *sizes.decoder_prenet_units), width, 0.5)
        self.dec_in_proj = nn.Linear(width + sizes.memory_width, width)
        self.pnca = nn.ModuleList(PncaBlock(sizes) for _ in range(sizes.decoder_num_layers))
        self.ln = nn.LayerNorm(width, eps=EPS)
        self.dec_out_proj = nn.Linear(width, sizes.num_mels * sizes.outputs_per_step)

    def masks(self, speech: Speech) -> tuple[Tensor, Tensor]:
        """[B, 1, S, S] each: keys of the past and of the memory that a step may look at."""
        band = (speech.durations.amax(1) / self.step + 0.5).long()[:, None, None]
        steps = torch.arange(speech.place.shape[1] // self.step)
        ahead = (steps[None] - steps[:, None])[None]
        length = -(-speech.frames // self.step)[:, None, None]
        past = (ahead <= 0) & (ahead >= -band)
        text = (ahead >= 0) & (ahead <= band) & (steps[None, None] < length) | (ahead == 0)
        return past[:, None], text[:, None]

    def forward(self, memory: Tensor, before: Tensor, masks: tuple[Tensor, Tensor]) -> Tensor:
        """From memory [B, S, C] and the frames before the steps [B, S, M] -> [B, T, M]."""
        rows = self.dec_in_proj(torch.cat([memory, self.prenet(before)], -1)) * self.scale
        for block in self.pnca:
            rows = block(rows, memory, masks)
        out: Tensor = self.dec_out_proj(self.ln(rows))
        return out.view(len(out), out.shape[1] * self.step, -1)


class MelPncaDecoder(nn.Module):
    """The decoder under its name in the checkpoint."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.mel_dec = MelDecoder(sizes)


class Postnet(nn.Module):
    """A correction to the decoder's frames."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width, shifts = sizes.postnet_num_memory_units, [sizes.postnet_shift] * sizes.postnet_fsmn_num_layers
        self.fsmn = Fsmn(sizes.num_mels, sizes.postnet_ffn_inner_dim, width, sizes.postnet_filter_size, shifts)
        self.lstm = nn.LSTM(width, sizes.postnet_lstm_units, batch_first=True)
        self.fc = nn.Linear(sizes.postnet_lstm_units, sizes.num_mels)

    def forward(self, frames: Tensor, there: Tensor) -> Tensor:
        """[B, T, M] -> [B, T, M], the sum of both."""
        y, _ = self.lstm(self.fsmn(frames, there))
        out: Tensor = frames + self.fc(y)
        return out


class Sambert(nn.Module):
    """Use: `variance`, then `decode` as often as wanted, then `postnet`."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(sizes)
        self.spk_tokenizer = nn.Embedding(sizes.speaker_rows, sizes.speaker_units)
        self.emo_tokenizer = nn.Embedding(sizes.emotion_rows, sizes.emotion_units)
        self.variance_adaptor = VarianceAdaptor(sizes)
        self.mel_decoder = MelPncaDecoder(sizes)
        self.mel_postnet = Postnet(sizes)
        nn.init.normal_(self.emo_tokenizer.weight, std=0.3)

    def variance(self, speech: Speech, own: Tensor) -> tuple[Predicted, Tensor]:
        """What is predicted of the symbols, and the decoder's memory [B, S, C]; `own` as in the adaptor."""
        text = self.text_encoder(speech.ids, speech.there)
        manner = torch.cat([self.spk_tokenizer(speech.ids[..., 5]), self.emo_tokenizer(speech.ids[..., 4])], -1)
        manner = manner * speech.there[..., None]
        predicted = self.variance_adaptor(text, manner, speech, own)
        return predicted, self.variance_adaptor.stretch(predicted.text, manner, speech)

    def decode(self, speech: Speech, memory: Tensor, before: Tensor) -> Tensor:
        """Decoder frames [B, T, M] after the frames `before` each step [B, S, M]."""
        decoder = self.mel_decoder.mel_dec
        out: Tensor = decoder(memory, before, decoder.masks(speech))
        return out * (speech.inside > 0)[..., None]

    def postnet(self, speech: Speech, frames: Tensor) -> Tensor:
        """Finished frames [B, T, M]."""
        out: Tensor = self.mel_postnet(frames, speech.inside > 0)
        return out * (speech.inside > 0)[..., None]


def before_steps(frames: Tensor, step: int) -> Tensor:
    """Of frames [B, T, M] those that the decoder sees before each step [B, S, M]: zeros, then every `step`-th."""
    return functional.pad(frames[:, step - 1 : -1 : step], (0, 0, 1, 0))
