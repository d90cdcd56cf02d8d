"""The two loops of SAMBERT on a CPU, each step of which waits for the one before: durations and mel frames.

What a step multiplies is small, so torch spends most of it on calling itself. NumPy's calls cost a fraction, and the
algebra below leaves few of them. The results are those of `sambert.DurationPredictor` and `pnca.MelDecoder`, which
define them, up to the rounding of float32.

Folded into the weights, once, in float64: scale and shift of every layer norm; the query's scale; the prenet's last
layer, which has no activation, with the projection behind it; and the mean that a layer norm subtracts. What only
layer norms read may as well have no mean from the start, so every matrix that adds to the residual stream x is
centred, and layer norm is left as x / sqrt(mean(x^2) + eps). A bias is the last row of its matrix, and what the
decoder's layers multiply ends with a 1. All calls write to arrays that a decoding makes once.

Letters as in `sambert`; K, the keys of a window, is the band and the step itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tingshuo_sambert_hifigan.layers import EPS
from tingshuo_sambert_hifigan.pnca import MelDecoder, Plan, PncaBlock
from tingshuo_sambert_hifigan.sambert import DurationPredictor

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]

#: Of attention's scores, the most that the sum of their squares may be for exp() to need no maximum taken off first.
SMALL = 60.0**2


def _doubles(tensor: Tensor) -> Doubles:
    return cast("Doubles", tensor.detach().double().numpy())


def _linear(layer: nn.Module) -> tuple[Doubles, Doubles]:
    """Weight [d_out, d_in] and bias of a linear layer or of a position-wise convolution."""
    weight, bias = _doubles(cast("Tensor", layer.weight)), _doubles(cast("Tensor", layer.bias))
    return weight.reshape(len(weight), -1), bias


def _matrix(weight: Doubles, bias: Doubles) -> Floats:
    """[d_in + 1, d_out] from a weight [d_out, d_in], as torch has them; the bias is the last row."""
    return np.ascontiguousarray(np.concatenate([weight.T, bias[None]]), np.float32)


def _affine(x: Floats, matrix: Floats) -> Floats:
    """[…, d_in] -> […, d_out]."""
    y: Floats = np.matmul(x, matrix[:-1])
    y += matrix[-1]
    return y


def _normalised(norm: nn.LayerNorm, layer: nn.Module) -> tuple[Doubles, Doubles]:
    """A linear layer behind a layer norm, for an x that is divided by the root of its sum of squares."""
    (weight, bias), scale, shift = _linear(layer), _doubles(norm.weight), _doubles(norm.bias)
    return weight * scale * np.sqrt(len(scale)), bias + weight @ shift


def _rectified(x: Floats, matrices: Sequence[Floats]) -> Floats:
    for matrix in matrices:
        x = _affine(x, matrix)
        np.maximum(x, 0, out=x)
    return x


class Layer:
    """The weights of a `PncaBlock`."""

    def __init__(self, block: PncaBlock, centre: Doubles, heads: int) -> None:
        attention, ffn, width = block.pnca_attn, block.pos_ffn, len(centre)
        weight, bias = _normalised(attention.layer_norm, attention.w_x_qkv)
        scale = np.ones(3 * width)
        scale[:width] = (width / heads) ** -0.5
        self.qkv = _matrix(weight * scale[:, None], bias * scale)
        self.memory = _matrix(*_linear(attention.w_h_kv))
        past, text = _linear(attention.fc_x), _linear(attention.fc_h)
        self.heard = _matrix(centre @ np.concatenate([past[0], text[0]], axis=1), centre @ (past[1] + text[1]))
        self.inner = _matrix(*_normalised(ffn.layer_norm, ffn.w_1))
        weight, bias = _linear(ffn.w_2)
        # This bias is added: with one row more than 1024, products of several lines take a fifth longer.
        self.outer, self.end = np.split(_matrix(centre @ weight, centre @ bias), [-1])


class Decoding:
    """One decoding under way: what is known of all its steps, how far it is, and the arrays that steps write to.

    inputs: [S, B, D], the memory's share of every step's input. last: [B, M], the last frame given out. bands, steps:
    [B, 1] of each line.
    """

    def __init__(
        self, inputs: Floats, kept: Floats, last: Floats, heads: int, inner: int, plans: Sequence[Plan]
    ) -> None:
        """kept: [L, S + K - 1, B, 5 * D], query, key, value of the past, key, value of the text. A step's own lie
        `band` places behind its number, so that both windows of step s are s to s + K - 1.
        """
        self.inputs, self.last, self.step = inputs, last, 0
        self.bands = np.array([[plan.band] for plan in plans])
        self.steps = np.array([[len(plan.memory)] for plan in plans])
        (_, lines, width), self.band = inputs.shape, int(self.bands.max())
        # Of every step and layer: query, key and value as one product writes them, the query alone [B, 1, H, 1, D / H],
        # the keys [B, 2, H, D / H, K] and the values [B, 2, H, K, D / H] of both windows.
        split = kept.reshape(*kept.shape[:3], 5, heads, -1)
        self.own = kept[:, self.band :, :, : 3 * width].swapaxes(0, 1)
        self.queries = split[:, self.band :, :, :1, :, None].swapaxes(0, 1)
        windows = np.lib.stride_tricks.sliding_window_view(split, self.band + 1, axis=1).swapaxes(0, 1)
        self.keys, self.values = windows[:, :, :, 1::2], windows[:, :, :, 2::2].swapaxes(-1, -2)
        self.x = np.empty((lines, width), np.float32)
        self.added = np.empty_like(self.x)
        self.normal, self.heard = (np.ones((lines, size + 1), np.float32) for size in (width, 2 * width))
        self.inner = np.empty((lines, inner), np.float32)
        self.scores = np.empty((lines, 2, heads, 1, self.band + 1), np.float32)
        self.ones = np.ones(self.band + 1, np.float32)

    def mask(self) -> Floats | None:
        """-inf where a line must not look, [B, 2, 1, 1, K]; None where every line may look everywhere."""
        now, band, count = self.step, self.band, len(self.inputs)
        if len(self.bands) == 1 and band <= now < count - band:
            return None
        places = np.arange(band + 1)[None]
        past = (places >= band - self.bands) & (places >= band - now)
        # A line that has ended goes on with the key of the step itself: no key at all would give NaN.
        text = (places == 0) | ((places <= self.bands) & (now + places < self.steps))
        seen = np.stack([past, text], axis=1)
        return np.where(seen, np.float32(0), np.float32(-np.inf))[:, :, None, None]


class Stepper:
    """The loops of one acoustic model; holds weights only, so threads may share it."""

    def __init__(self, decoder: MelDecoder, predictor: DurationPredictor) -> None:
        self.heads, self.frames = decoder.heads, decoder.frames
        out, bias = _normalised(decoder.ln, decoder.dec_out_proj)
        self.width = width = out.shape[1]
        self.eps = np.float32(width * EPS)
        centre = np.eye(width) - 1 / width
        *prenet, last = [_linear(layer) for layer in decoder.prenet.fcs if isinstance(layer, nn.Linear)]
        weight, start = _linear(decoder.dec_in_proj)
        memory, own = np.split(centre @ weight * decoder.scale, [weight.shape[1] - width], axis=1)
        self.prenet = [_matrix(*layer) for layer in prenet]
        self.inputs = _matrix(memory, centre @ start * decoder.scale + own @ last[1])
        self.entry = np.ascontiguousarray((own @ last[0]).T, np.float32)
        self.layers = [Layer(block, centre, self.heads) for block in decoder.blocks()]
        self.out = _matrix(out, bias)
        self.predictor = Durations(predictor)

    def durations(self, condition: Tensor) -> Tensor:
        """What `DurationPredictor` gives."""
        return torch.from_numpy(self.predictor(condition.numpy()))

    def start(self, plans: Sequence[Plan]) -> Decoding:
        """Everything that does not depend on the frames, computed for all steps at once."""
        band, count = max(plan.band for plan in plans), max(len(plan.memory) for plan in plans)
        memory = np.zeros((count, len(plans), len(self.inputs) - 1), np.float32)
        for index, plan in enumerate(plans):
            memory[: len(plan.memory), index] = plan.memory.numpy()
        kept = np.zeros((len(self.layers), count + band, len(plans), 5 * self.width), np.float32)
        for layer, places in zip(self.layers, kept, strict=True):
            places[:count, :, 3 * self.width :] = _affine(memory, layer.memory)
        last = np.zeros((len(plans), self.out.shape[1] // self.frames), np.float32)
        return Decoding(_affine(memory, self.inputs), kept, last, self.heads, len(self.layers[0].outer), plans)

    def step(self, state: Decoding) -> Tensor:
        """The next r frames [B, r, M]; moves `state` on."""
        now, mask, x, added = state.step, state.mask(), state.x, state.added
        # One line is the usual case, where dot() takes half the time; of several it would want contiguous rows.
        product = np.dot if len(x) == 1 else np.matmul
        heard, inner = state.heard, state.inner
        scores, flat, by_row = state.scores, state.scores.reshape(-1), state.scores.reshape(-1, len(state.ones))
        # What was heard without the 1.
        means = heard[:, :-1].reshape(*scores.shape[:-1], -1)
        sums = np.empty((len(by_row), 1), np.float32)
        np.dot(_rectified(state.last, self.prenet), self.entry, out=x)
        x += state.inputs[now]
        steps = zip(self.layers, state.own[now], state.queries[now], state.keys[now], state.values[now], strict=True)
        for layer, own, query, keys, values in steps:
            product(self._normal(state), layer.qkv, out=own)
            np.matmul(query, keys, out=scores)
            if mask is not None:
                scores += mask
            if flat.dot(flat) > SMALL:
                scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            # Sums by dot(), in half the time of add.reduce().
            np.dot(by_row, state.ones, out=sums[:, 0])
            by_row /= sums
            np.matmul(scores, values, out=means)
            x += product(heard, layer.heard, out=added)
            product(self._normal(state), layer.inner, out=inner)
            np.maximum(inner, 0, out=inner)
            x += product(inner, layer.outer, out=added)
            x += layer.end
        frames = np.dot(self._normal(state), self.out).reshape(len(x), self.frames, -1)
        state.last, state.step = frames[:, -1], now + 1
        return torch.from_numpy(frames)

    def _normal(self, state: Decoding) -> Floats:
        """What a layer norm leaves of x, up to the factor that is in the weights, and a 1, [B, D + 1]."""
        x = state.x
        if len(x) == 1:
            flat = x[0]
            np.divide(x, math.sqrt(flat.dot(flat) + self.eps), out=state.normal[:, :-1])
        else:
            np.divide(x, np.sqrt(np.matmul(x[:, None], x[:, :, None])[:, 0] + self.eps), out=state.normal[:, :-1])
        return state.normal


class Durations:
    """The loop of a `DurationPredictor`."""

    def __init__(self, predictor: DurationPredictor) -> None:
        first, second = (_lstm(predictor.lstm, layer) for layer in (0, 1))
        self.prenet = [_matrix(*_linear(layer)) for layer in predictor.prenet.fcs if isinstance(layer, nn.Linear)]
        units = self.prenet[-1].shape[1]
        # The condition is known for all symbols at once; only the prenet's part must wait.
        known = np.s_[units : -len(first[1]) // 4]
        self.condition = _matrix(first[0][:, known], first[1])
        self.first = np.ascontiguousarray(np.delete(first[0], known, axis=1).T, np.float32)
        self.second = _matrix(*second)
        self.out = _matrix(*_linear(predictor.fc))

    def __call__(self, condition: Floats) -> Floats:
        """[B, N, variance_width] -> [B, N], none below 0."""
        inputs = np.ascontiguousarray(_affine(condition, self.condition).swapaxes(0, 1))
        count, lines, gates = inputs.shape
        found = np.empty((count, lines, 1), np.float32)
        last = np.zeros((lines, 1), np.float32)
        (one, inside_one), (two, inside_two) = (_rest(lines, gates // 4) for _ in range(2))
        for index in range(count):
            given = np.dot(np.concatenate([_rectified(last, self.prenet), one], axis=1), self.first)
            given += inputs[index]
            one = _remember(given, inside_one)
            two = _remember(_affine(np.concatenate([one, two], axis=1), self.second), inside_two)
            last = np.maximum(_affine(two, self.out), 0, out=found[index])
        return np.ascontiguousarray(found[..., 0].T)


def _lstm(lstm: nn.LSTM, layer: int) -> tuple[Doubles, Doubles]:
    """Weight [4 * units, inputs + units] and bias of a layer, for the input and its own last output."""
    tensors: dict[str, Any] = dict(lstm.named_parameters())
    parts = [_doubles(tensors[f"{kind}_l{layer}"]) for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    return np.concatenate(parts[:2], axis=1), parts[2] + parts[3]


def _rest(lines: int, units: int) -> tuple[Floats, Floats]:
    return np.zeros((lines, units), np.float32), np.zeros((lines, units), np.float32)


def _remember(gates: Floats, inside: Floats) -> Floats:
    """The output [B, units] of an LSTM layer from gates [B, 4 * units] in torch's order; changes `inside`."""
    write, keep, new, read = np.split(gates, 4, axis=1)
    inside *= _sigmoid(keep)
    inside += _sigmoid(write) * np.tanh(new)
    return _sigmoid(read) * np.tanh(inside)


def _sigmoid(x: Floats) -> Floats:
    # By tanh, which does not overflow.
    return cast("Floats", np.tanh(x * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5))
