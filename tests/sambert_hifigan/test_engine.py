"""The synthesizer: emotions, prosody, pauses, many voices, and what it says when it cannot speak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from small_voices import Edit, Make

from tingshuo import ConfigurationError, Emotion, EngineFailed, InvalidRequest, ModelError, Settings, Utterance
from tingshuo.errors import UnknownVoice, UnsupportedEmotion
from tingshuo.plugins import load_plugins
from tingshuo.testing import engines_of
from tingshuo_sambert_hifigan.engine import HUB_ID, SambertHifigan, louder

NSF: dict[str, Any] = {
    "acoustic": {"NSF": True, "nsf_norm_type": "global", "num_mels": 10},
    "vocoder": {"nsf_params": {"nb_harmonics": 7, "sampling_rate": 16_000}},
}
LEARNED = ["neutral", "happy", "sad", "hate", "gentle"]


@pytest.fixture
def make_engine(make_model: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., SambertHifigan]:
    def make(*names: str, **variant: Any) -> SambertHifigan:
        root = make_model(*names, **{"emotions": LEARNED, **variant})
        monkeypatch.setenv("TINGSHUO_SAMBERT_HIFIGAN_MODEL", str(root))
        engine = SambertHifigan(Settings(data_dir=tmp_path / "data"))
        engine.load()
        return engine

    return make


def say(engine: SambertHifigan, text: str, **how: Any) -> npt.NDArray[np.float32]:
    extra = {"symbols": True, **how.pop("extra", {})}
    return engine.synthesize(Utterance(text, how.pop("voice", "small"), extra=extra, **how)).samples


def test_a_chinese_text_is_spoken_and_streamed_alike(make_engine: Callable[..., SambertHifigan]) -> None:
    engine = make_engine(speakers=2)
    utterance = Utterance("今天天气怎么样？我们去公园吧。hello!", "small", Emotion.HAPPY)
    whole = engine.synthesize(utterance)
    joined = np.concatenate([piece.samples for piece in engine.synthesize_stream(utterance)])
    assert whole.sample_rate == engine.sample_rate == 16_000
    assert np.abs(whole.samples - joined).max() <= 1e-4


def test_voices_tell_their_portable_emotions(make_engine: Callable[..., SambertHifigan]) -> None:
    voice = make_engine().voices()[0]
    assert voice.emotions == (Emotion.NEUTRAL, Emotion.HAPPY, Emotion.SAD, Emotion.DISGUSTED)
    assert voice.languages == ("zh", "en")


def test_official_voices_have_their_published_emotions(make_engine: Callable[..., SambertHifigan]) -> None:
    engine = make_engine("zhiyan_emo", "zhiya", emotions=None)
    assert set(engine.voices()[0].emotions) == set(Emotion)
    assert engine.voices()[1].emotions == (Emotion.NEUTRAL,)


def test_each_emotion_sounds_different_and_row_names_work_through_extra(
    make_engine: Callable[..., SambertHifigan], symbols: str
) -> None:
    engine = make_engine()
    happy = say(engine, symbols, emotion=Emotion.HAPPY)
    assert not np.array_equal(happy, say(engine, symbols))
    assert np.array_equal(happy, say(engine, symbols, extra={"emotion": "happy"}))
    hate = say(engine, symbols, extra={"emotion": "hate"})
    assert np.array_equal(hate, say(engine, symbols, emotion=Emotion.DISGUSTED))
    assert not np.array_equal(hate, say(engine, symbols, extra={"emotion": "gentle"}))


def test_an_emotion_the_voice_lacks_is_refused_with_those_it_has(
    make_engine: Callable[..., SambertHifigan], symbols: str
) -> None:
    engine = make_engine()
    with pytest.raises(UnsupportedEmotion, match="cannot speak 'angry'; it can: neutral, happy, sad, disgusted"):
        say(engine, symbols, emotion=Emotion.ANGRY)
    with pytest.raises(UnsupportedEmotion, match=r"cannot speak 'lyrical'.*hate, gentle"):
        say(engine, symbols, extra={"emotion": "lyrical"})


def test_intensity_goes_from_neutral_through_the_emotion_and_beyond(
    make_engine: Callable[..., SambertHifigan], symbols: str
) -> None:
    engine = make_engine()
    by_intensity = [say(engine, symbols, emotion=Emotion.HAPPY, intensity=value) for value in (0.0, 1.0, 2.0)]
    assert np.array_equal(by_intensity[0], say(engine, symbols))
    assert np.array_equal(by_intensity[1], say(engine, symbols, emotion=Emotion.HAPPY))
    assert not np.array_equal(by_intensity[1], by_intensity[2])
    with pytest.raises(InvalidRequest, match=r"intensity is 2\.5; it must lie between 0 and 2"):
        say(engine, symbols, emotion=Emotion.HAPPY, intensity=2.5)


def test_speed_shortens_and_lengthens(make_engine: Callable[..., SambertHifigan], long_symbols: str) -> None:
    engine = make_engine()
    slow, usual, fast = (len(say(engine, long_symbols, speed=speed)) for speed in (0.5, 1.0, 2.0))
    assert fast == pytest.approx(usual / 2, rel=0.25)
    assert slow == pytest.approx(usual * 2, rel=0.25)
    for speed in (0.49, 2.1):
        with pytest.raises(InvalidRequest, match="speed is"):
            say(engine, long_symbols, speed=speed)


@pytest.mark.parametrize("variant", [{}, NSF])
def test_pitch_moves_the_sound_and_not_the_request(
    make_engine: Callable[..., SambertHifigan], symbols: str, variant: dict[str, Any]
) -> None:
    engine = make_engine(**variant)
    # Random frames are hardly ever voiced; these all are, where the voice has voicing.
    engine._loaded["small"].acoustic.mel_postnet.fc.bias[-1] = 9.0
    higher = say(engine, symbols, pitch=3.0)
    usual = say(engine, symbols)
    assert higher.shape != usual.shape or not np.allclose(higher, usual, atol=1e-4)


def test_semitones_are_exact_on_the_f0_of_a_nsf_voice(make_model: Make, load: Callable[..., Any]) -> None:
    import torch

    voice = load(make_model(**NSF))
    mel = torch.zeros(1, 5, 10)
    mel[..., -2] = 0.3
    usual, octave = (voice.in_hertz(mel, semitones)[0, :, -2] for semitones in (0.0, 12.0))
    assert torch.allclose(octave, 2 * usual)


def test_volume_scales_and_what_is_too_loud_is_bent_and_never_wraps() -> None:
    tone = np.sin(np.arange(1000, dtype=np.float32) / 10).astype(np.float32)
    assert np.array_equal(louder(tone, 0.5), tone * np.float32(0.5))
    assert np.array_equal(louder(tone, 1.0), tone)
    loud = louder(tone, 4.0)
    assert np.abs(loud).max() <= 1
    assert np.array_equal(np.sign(loud), np.sign(tone))
    assert np.all(np.diff(loud[np.argsort(tone)]) >= 0)


def test_a_pause_is_silence_of_exactly_its_length(make_engine: Callable[..., SambertHifigan]) -> None:
    engine = make_engine(speakers=2)
    first, second = (engine.synthesize(Utterance(text, "small")).samples for text in ("你好。", "再见。"))
    text = '<speak>你好。<break time="500ms"/>再见。</speak>'
    together = engine.synthesize(Utterance(text, "small")).samples
    assert len(together) == len(first) + 8_000 + len(second)
    assert not together[len(first) : len(first) + 8_000].any()


def test_extra_pause_stands_between_sentences_only(make_engine: Callable[..., SambertHifigan], symbols: str) -> None:
    engine = make_engine()
    one = len(say(engine, symbols))
    assert len(say(engine, f"{symbols}\n{symbols}\n{symbols}", extra={"pause": 0.25})) == 3 * one + 2 * 4_000
    with pytest.raises(InvalidRequest, match="pause is 11"):
        say(engine, symbols, extra={"pause": 11})


def test_a_text_of_nothing_but_a_pause_is_silence(make_engine: Callable[..., SambertHifigan]) -> None:
    engine = make_engine()
    samples = engine.synthesize(Utterance('<speak><break time="1s"/></speak>', "small")).samples
    assert samples.shape == (16_000,)
    assert not samples.any()


def test_markup_changes_voice_emotion_and_tempo_of_a_stretch(make_engine: Callable[..., SambertHifigan]) -> None:
    engine = make_engine("small", "other", speakers=2)
    plain = engine.synthesize(Utterance("今天天气怎么样？", "small", Emotion.SAD)).samples
    text = '<speak><emotion category="sad">今天天气怎么样？</emotion></speak>'
    assert np.array_equal(engine.synthesize(Utterance(text, "small")).samples, plain)
    other = '<speak voice="other"><emotion category="sad">今天天气怎么样？</emotion></speak>'
    assert not np.array_equal(engine.synthesize(Utterance(other, "small")).samples, plain)
    with pytest.raises(UnsupportedEmotion):
        engine.synthesize(Utterance(text.replace("sad", "angry"), "small"))


def test_speakers_of_a_voice_of_many_are_chosen_through_extra(
    make_engine: Callable[..., SambertHifigan], symbols: str
) -> None:
    engine = make_engine(speakers=2)
    assert not np.array_equal(say(engine, symbols), say(engine, symbols, extra={"speaker": "M7"}))
    with pytest.raises(InvalidRequest, match="no speaker 'X'; it has: F7, M7"):
        say(engine, symbols, extra={"speaker": "X"})


def test_a_wrong_symbol_is_named_with_what_is_near(make_engine: Callable[..., SambertHifigan], symbols: str) -> None:
    engine = make_engine()
    with pytest.raises(InvalidRequest, match="symbol 1: this voice has no sy 'b_x'; near it: b_c"):
        say(engine, symbols.replace("{b_c", "{b_x"))
    with pytest.raises(InvalidRequest, match=r"symbol 1 .* has 2 parts"):
        say(engine, "{b_c$tone1}")


def test_a_line_may_have_its_number_in_front(make_engine: Callable[..., SambertHifigan], symbols: str) -> None:
    engine = make_engine()
    assert np.array_equal(say(engine, f"0\t{symbols}"), say(engine, symbols))


def test_voices_are_loaded_when_first_used_and_freed_by_close(
    make_engine: Callable[..., SambertHifigan], symbols: str
) -> None:
    engine = make_engine("small", "other")
    assert list(engine._loaded) == ["small"]
    before = say(engine, symbols, voice="other")
    assert set(engine._loaded) == {"small", "other"}
    engine.close()
    assert not engine._loaded
    engine.load()
    assert np.array_equal(say(engine, symbols, voice="other"), before)
    with pytest.raises(UnknownVoice, match="it has: small, other"):
        say(engine, symbols, voice="third")


def test_a_voice_whose_durations_explode_ends_in_an_error(
    make_engine: Callable[..., SambertHifigan], edit_tensors: Edit, symbols: str
) -> None:
    engine = make_engine()
    path = engine.model().path
    assert path is not None
    bias = {"variance_adaptor.duration_predictor.fc.bias": torch.tensor([12.0])}
    edit_tensors(path / "voices/small/am/ckpt/checkpoint_100.pth", lambda state: state["model"].update(bias))
    engine.close()
    with pytest.raises(EngineFailed, match="its weights are no voice"):
        say(engine, symbols)


def test_without_weights_it_is_unavailable_and_names_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TINGSHUO_SAMBERT_HIFIGAN_MODEL", raising=False)
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path))
    monkeypatch.setattr("tingshuo_sambert_hifigan.engine.STARTER", tmp_path / "none")
    engine = SambertHifigan(Settings(data_dir=tmp_path))
    with pytest.raises(ModelError, match=f"tingshuo models pull {HUB_ID}"):
        engine.model()
    status = engines_of(engine).status()[0]
    assert status.state == "unavailable"
    assert "\n" not in status.reason


@pytest.mark.parametrize(("name", "value"), [("DEVICE", "gpu"), ("THREADS", "many"), ("MODLE", "x")])
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TINGSHUO_SAMBERT_HIFIGAN_{name}", value)
    with pytest.raises(ConfigurationError, match=f"TINGSHUO_SAMBERT_HIFIGAN_{name}"):
        SambertHifigan(Settings())


def test_the_plugin_is_found_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = load_plugins(Settings(plugins=("sambert_hifigan",)))
    assert not plugins.failures
    assert list(plugins.engines) == ["sambert_hifigan"]
