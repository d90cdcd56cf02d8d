"""The engine around the models: settings, loading, what it leaves behind in the process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tingshuo import Audio, ConfigurationError, Engine, ModelError, TranscribeOptions
from tingshuo.plugins import load_plugins
from tingshuo.settings import load_settings
from tingshuo.testing import check_recognizer
from tingshuo_sensevoice.engine import STARTER, SenseVoice
from tingshuo_sensevoice.testing import speechlike


def run(code: str) -> str:
    """What a fresh Python prints for `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_plugin_brings_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("MODEL", "VAD_MODEL"):
        monkeypatch.delenv(f"TINGSHUO_SENSEVOICE_{key}", raising=False)
    plugins = load_plugins(load_settings(plugins="sensevoice"))
    assert plugins.failures == []
    engine: Engine = plugins.engines["sensevoice"]
    assert isinstance(engine, SenseVoice)
    assert engine.hub_models == ("iic/SenseVoiceSmall", "iic/speech_fsmn_vad_zh-cn-16k-common-pytorch")
    assert engine.languages == ("zh", "en", "yue", "ja", "ko")


def test_an_unknown_setting_is_refused_with_those_there_are(make_engine: Callable[..., SenseVoice]) -> None:
    with pytest.raises(ConfigurationError, match=r"TINGSHUO_SENSEVOICE_MODLE.*TINGSHUO_SENSEVOICE_VAD_MODEL"):
        make_engine(modle="auto")


@pytest.mark.parametrize(
    ("key", "value"),
    [("device", "gpu"), ("threads", "-1"), ("threads", "two"), ("precision", "int8"), ("batching", "yes")],
)
def test_a_wrong_value_is_refused(key: str, value: str, make_engine: Callable[..., SenseVoice]) -> None:
    with pytest.raises(ConfigurationError, match=f"TINGSHUO_SENSEVOICE_{key.upper()}='{value}'"):
        make_engine(**{key: value})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_an_error_and_no_silent_fallback(make_engine: Callable[..., SenseVoice]) -> None:
    with pytest.raises(ConfigurationError, match="torch finds no CUDA device"):
        make_engine(device="cuda").load()


def test_a_hub_model_that_is_not_there_names_the_command(make_engine: Callable[..., SenseVoice]) -> None:
    with pytest.raises(ModelError, match="tingshuo models pull iic/SenseVoiceSmall"):
        make_engine(model="iic/SenseVoiceSmall").model()


def test_auto_takes_the_official_model_where_it_lies_and_else_the_starter(
    make_engine: Callable[..., SenseVoice], tmp_path: Path
) -> None:
    engine = make_engine(model="auto")
    if (STARTER / "SenseVoiceSmall").is_dir():
        assert engine.model().origin == "starter"
    official = tmp_path / "data" / "models" / "iic" / "SenseVoiceSmall"
    official.mkdir(parents=True)
    (official / "config.yaml").touch()
    assert engine.model().origin == "official"


def test_a_broken_model_leaves_the_engine_unloaded(make_engine: Callable[..., SenseVoice], broken: Path) -> None:
    (broken / "asr" / "model.pt").unlink()
    engine = make_engine(broken)
    with pytest.raises(ModelError, match=r"model\.pt is missing"):
        engine.load()
    assert engine._detector is None


def test_a_closed_engine_has_no_weights_and_loads_again(engine: SenseVoice, audio: Callable[..., Audio]) -> None:
    clip = audio(speechlike(3.0, 3))
    before = engine.transcribe(clip, TranscribeOptions())
    engine.close()
    assert engine._acoustic is None
    engine.load()
    assert engine.transcribe(clip, TranscribeOptions()) == before


def test_bf16_hears_the_same_tags(make_engine: Callable[..., SenseVoice], audio: Callable[..., Audio]) -> None:
    clip = audio(0.5, speechlike(4.0, 3), 0.5)
    exact, fast = (
        make_engine(precision=precision).transcribe(clip, TranscribeOptions()) for precision in ("fp32", "bf16")
    )
    assert fast.language == exact.language
    assert fast.segments[0].emotion_scores == pytest.approx(dict(exact.segments[0].emotion_scores), abs=0.1)


def test_it_keeps_the_contract_of_a_recognizer(engine: SenseVoice) -> None:
    check_recognizer(engine)


def test_threads_are_set_once_when_loading(make_engine: Callable[..., SenseVoice], audio: Callable[..., Audio]) -> None:
    before = torch.get_num_threads()
    try:
        engine = make_engine(threads="1")
        assert torch.get_num_threads() == before
        engine.load()
        assert torch.get_num_threads() == 1
        torch.set_num_threads(2)
        engine.transcribe(audio(speechlike(2.0)), TranscribeOptions())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_small_network_gets_one_thread_unless_told_otherwise(make_engine: Callable[..., SenseVoice]) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        make_engine().load()
        assert torch.get_num_threads() == 1
        make_engine(threads="2").load()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_start_up_imports_neither_torch_nor_funasr() -> None:
    loaded = run(
        "import sys; from tingshuo.plugins import load_plugins; from tingshuo.settings import load_settings;"
        "load_plugins(load_settings(plugins='sensevoice'));"
        "print([name for name in ('torch', 'funasr', 'sentencepiece') if name in sys.modules])"
    )
    assert loaded == "[]\n"


def test_loading_and_working_leave_the_process_as_it_was(folders: Path) -> None:
    report = run(f"""
import logging, os, random, sys, warnings
import numpy as np, torch
from pathlib import Path
def state():
    return (str(random.getstate()), str(np.random.get_state()), torch.get_rng_state().tolist(), dict(os.environ),
            logging.getLogger().handlers[:], logging.getLogger().level, torch.get_num_threads(), len(warnings.filters),
            torch.get_default_dtype(), sys.path[:])
from tingshuo_sensevoice.model import Question, load_acoustic_model
from tingshuo_sensevoice.vad import load_voice_detector
before = state()
folder = Path({str(folders)!r})
model, detector = load_acoustic_model(folder / "asr"), load_voice_detector(folder / "vad")
clip = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)
model.hear([clip], [Question()])
detector.detect(clip)
after = state()
names = "python numpy torch environment handlers level threads warnings dtype path".split()
print([name for name, a, b in zip(names, before, after) if a != b])
print(sum(name.startswith("funasr.models.") for name in sys.modules) < 60)
""")
    assert report == "[]\nTrue\n"
