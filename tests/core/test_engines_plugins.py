"""Entry points to engines: one plugin that fails never stops another."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint

import pytest

from tingshuo import Engine, Settings, hookimpl
from tingshuo.plugins import load_plugins
from tingshuo.testing import ToneRecognizer, ToneSynthesizer

TONES = EntryPoint("tones", "tingshuo.tones", "tingshuo")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., EntryPoint]:
    """Makes a module that can be imported, and its entry point."""

    def install(name: str, **content: object) -> EntryPoint:
        module = types.ModuleType(f"fake_{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return EntryPoint(name, module.__name__, "tingshuo")

    return install


def test_a_plugin_brings_its_engines() -> None:
    plugins = load_plugins(Settings(), [TONES])
    assert sorted(plugins.engines) == ["ears", "tones"]
    assert plugins.failures == []


def test_a_plugin_that_cannot_be_imported_is_reported_and_the_others_work() -> None:
    gone = EntryPoint("gone", "no_such_module_anywhere", "tingshuo")
    plugins = load_plugins(Settings(), [gone, TONES])
    assert sorted(plugins.engines) == ["ears", "tones"]
    [failure] = plugins.failures
    assert failure.plugin == "gone"
    assert failure.reason.startswith("ModuleNotFoundError: ")


def test_a_plugin_whose_hook_raises_is_reported_and_the_others_work(installed: Callable[..., EntryPoint]) -> None:
    @hookimpl
    def register_engines(settings: Settings) -> Iterable[Engine]:
        yield ToneRecognizer()
        raise KeyError("half way")

    plugins = load_plugins(Settings(), [installed("angry", register_engines=register_engines), TONES])
    assert sorted(plugins.engines) == ["ears", "tones"]
    assert [failure.reason for failure in plugins.failures] == ["KeyError: 'half way'"]


def test_a_hook_of_another_name_or_shape_is_reported(installed: Callable[..., EntryPoint]) -> None:
    @hookimpl
    def register_engine(settings: Settings) -> Iterable[Engine]:
        return []

    @hookimpl
    def register_engines(config: object) -> Iterable[Engine]:
        return []

    points = [
        installed("misspelt", register_engine=register_engine),
        installed("misshapen", register_engines=register_engines),
    ]
    plugins = load_plugins(Settings(), points)
    assert [failure.plugin for failure in plugins.failures] == ["misshapen", "misspelt"]


def test_of_two_engines_with_one_name_the_first_stays(installed: Callable[..., EntryPoint]) -> None:
    @hookimpl
    def register_engines(settings: Settings) -> Iterable[Engine]:
        return [ToneSynthesizer(8_000)]

    plugins = load_plugins(Settings(), [installed("zzz", register_engines=register_engines), TONES])
    assert plugins.engines["tones"].sample_rate == 16_000
    assert [failure.reason for failure in plugins.failures] == ["engine name 'tones' is taken"]


def test_only_allowed_plugins_are_imported_and_blocked_ones_never() -> None:
    gone = EntryPoint("gone", "no_such_module_anywhere", "tingshuo")
    for settings in (Settings(plugins=("tones",)), Settings(blocked_plugins=("gone",))):
        plugins = load_plugins(settings, [gone, TONES])
        assert sorted(plugins.engines) == ["ears", "tones"]
        assert plugins.failures == []
    assert not load_plugins(Settings(plugins=("tones",), blocked_plugins=("tones",)), [gone, TONES]).engines


def test_a_plugin_asked_for_but_not_installed_is_reported() -> None:
    plugins = load_plugins(Settings(plugins=("tones", "sensevoise")), [TONES])
    [failure] = plugins.failures
    assert failure.plugin == "sensevoise"
    assert "not installed" in failure.reason
