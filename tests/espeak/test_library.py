"""libespeak-ng through its binding: safe with any text, any thread, any voice name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tingshuo_espeak.library import EspeakError, EventType, Parameter, Speech, library

SENTENCE = "今天天气很好，我们去公园吧。"


def seconds(speech: Speech) -> float:
    return len(speech.samples) / speech.sample_rate


@pytest.mark.parametrize("text", ["", " ", "\x00", "\x01\x02", "。", "\ud800"])
def test_a_text_with_nothing_to_say_gives_next_to_nothing(text: str) -> None:
    assert seconds(library().speak("cmn", text, {})) < 1


def test_a_text_goes_on_after_a_control_character() -> None:
    plain, broken = (library().speak("en", text, {}) for text in ("one two three four", "one two\x00 three\x01 four"))
    assert seconds(broken) == pytest.approx(seconds(plain), rel=0.1)


def test_markup_is_read_out_and_not_obeyed() -> None:
    obeyed = "one <break time='20s'/> two <audio src='x.wav'/> [[h@l'oU]]"
    speech = library().speak("en", obeyed, {})
    words = [event for event in speech.events if event.type is EventType.WORD]
    assert len(words) > 6
    loud = np.flatnonzero(np.abs(speech.samples) > 500)
    assert np.diff(loud).max() < 2 * speech.sample_rate


def test_ten_thousand_characters_are_spoken_to_the_end() -> None:
    text = "大家晚上都好吗？" * 1250
    speech = library().speak("cmn", text, {Parameter.RATE: 450})
    last = max(event.position for event in speech.events if event.type is EventType.WORD)
    assert last > len(text) - 10
    assert seconds(speech) > 0.05 * len(text)


def test_words_are_reported_in_order_of_time() -> None:
    speech = library().speak("cmn", SENTENCE, {})
    times = [event.time for event in speech.events if event.type is EventType.WORD]
    assert len(times) >= 10
    assert times == sorted(times)
    assert times[-1] < seconds(speech)


def test_phonemes_are_those_of_the_voice() -> None:
    assert library().phonemes("en", "Good morning, all.") == "ɡ ʊ d m ɔː n ɪ ŋ ɔː l".split()
    assert library().phonemes("en", "") == []


def test_threads_at_once_are_each_given_their_own_speech() -> None:
    texts = [SENTENCE * (1 + index % 4) for index in range(16)]
    alone = [seconds(library().speak("cmn", text, {})) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        together = [seconds(speech) for speech in pool.map(lambda text: library().speak("cmn", text, {}), texts)]
    assert together == pytest.approx(alone, rel=0.01)


def test_the_parameters_of_one_call_do_not_reach_the_next() -> None:
    before = seconds(library().speak("cmn", SENTENCE, {}))
    library().speak("en", "quick", {Parameter.RATE: 450, Parameter.PITCH: 100})
    assert seconds(library().speak("cmn", SENTENCE, {})) == pytest.approx(before, rel=0.01)


def test_mandarin_is_read_and_not_spelled() -> None:
    assert seconds(library().speak("cmn", "中国", {})) < 1.5


@pytest.mark.parametrize("voice", ["nobody", "", "../../etc/passwd"])
def test_an_unknown_voice_is_an_error(voice: str) -> None:
    with pytest.raises(EspeakError, match="voice"):
        library().speak(voice, SENTENCE, {})
