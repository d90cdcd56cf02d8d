"""Files made to do harm: bombs, forged headers, playlists, broken and random bytes."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sounds import LIMITS

from tingshuo.audio import FORMATS, Limits, encode, read_audio
from tingshuo.errors import InvalidAudio, LimitExceeded
from tingshuo.types import Audio

SOUND = Audio((0.4 * np.sin(np.arange(24_000) * 0.1)).astype(np.float32), 24_000)
FILES = {name: encode(SOUND, name) for name in FORMATS if name != "pcm"}


def refused(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises((InvalidAudio, LimitExceeded)) as error:
        read_audio(io.BytesIO(data), limits)
    assert error.value.param == "file"
    return error.value.message


def opus_silence(seconds: int) -> bytes:
    """Ogg Opus of silence: a page holds 255 packets of three bytes, 20 ms each, at 1.2 kb/s."""
    pages, serial = [], 7
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    packets = [[head], [tags]] + [[b"\xf8\xff\xfe"] * 250] * (seconds // 5)
    granule = 0
    for number, page in enumerate(packets):
        granule += 960 * len(page) if number > 1 else 0
        kind = 2 if number == 0 else 0
        lacing = bytes(len(packet) for packet in page)
        pages.append(_ogg_page(kind, granule, serial, number, lacing, b"".join(page)))
    return b"".join(pages)


def _ogg_page(kind: int, granule: int, serial: int, number: int, lacing: bytes, body: bytes) -> bytes:
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, kind, granule, serial, number, 0, len(lacing)) + lacing
    checksum = 0
    for byte in head + body:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1) ^ (0x04C11DB7 if checksum & 0x80000000 else 0)
        checksum &= 0xFFFFFFFF
    return head[:22] + struct.pack("<I", checksum) + head[26:] + body


# ---- more than there is room for


def test_a_small_opus_file_of_long_silence_is_stopped_while_it_is_decoded() -> None:
    bomb = opus_silence(3600)
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    began = time.monotonic()
    assert refused(bomb) == "the audio is longer than 60 s"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - began < 10
    assert peak < 60 * 48_000 * 4 * 2


def test_the_silence_itself_is_good_opus() -> None:
    [(_, audio)] = read_audio(io.BytesIO(opus_silence(30)), LIMITS)
    assert audio.duration == pytest.approx(30, abs=0.1)


def test_decoded_bytes_are_counted_over_all_channels() -> None:
    frames, channels = 48_000, 8
    size = frames * channels * 2
    form = struct.pack("<HHIIHH", 1, channels, 16_000, 16_000 * channels * 2, channels * 2, 16)
    data = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<I", 16) + form
    data += b"data" + struct.pack("<I", size) + bytes(size)
    assert len(read_audio(io.BytesIO(data), LIMITS)[0][1].samples) == frames
    assert "exceeds 1000000 bytes" in refused(data, Limits(10**7, 60, 10**6))


def test_an_upload_is_measured_by_its_bytes() -> None:
    assert refused(FILES["wav"], Limits(1000, 60, 10**8)) == "the file is larger than 1000 bytes"


def flac_with(sample_rate: int, channels: int) -> bytes:
    """A good file whose STREAMINFO claims another sample rate and number of channels."""
    data = bytearray(FILES["flac"])
    at = 4 + 4 + 10  # marker, block header, block and frame sizes
    rest = data[at + 2] & 0x01
    bits = sample_rate << 4 | (channels - 1) << 1 | rest
    data[at : at + 3] = bits.to_bytes(3, "big")
    return bytes(data)


@pytest.mark.parametrize(("sample_rate", "channels"), [(655_350, 8), (655_350, 1), (500, 1), (0, 1)])
def test_a_flac_header_may_claim_what_it_wants(sample_rate: int, channels: int) -> None:
    try:
        [(_, audio)] = read_audio(io.BytesIO(flac_with(sample_rate, channels)), LIMITS)
    except InvalidAudio:
        return
    assert 1_000 <= audio.sample_rate <= 384_000
    assert len(audio.samples) <= len(SOUND.samples)


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        (4, "<I", 0xFFFFFFFF),  # RIFF size
        (4, "<I", 0),
        (40, "<I", 0xFFFFFFFF),  # data size: what a stream of unknown length says
        (40, "<I", 0x7FFFFFFF),
    ],
)
def test_wrong_sizes_in_a_wav_header_do_no_harm(offset: int, layout: str, value: int) -> None:
    data = bytearray(FILES["wav"])
    struct.pack_into(layout, data, offset, value)
    [(_, audio)] = read_audio(io.BytesIO(bytes(data)), LIMITS)
    assert len(audio.samples) == len(SOUND.samples)


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (24, "<I", 4_000_000_000, ""),  # sample rate
        (24, "<I", 700_000, "700000 Hz"),
        (24, "<I", 999, "999 Hz"),
        (22, "<H", 65_535, ""),  # channels
        (22, "<H", 64, ""),
        (22, "<H", 0, ""),
    ],
)
def test_a_wav_header_with_an_impossible_shape_is_refused(offset: int, layout: str, value: int, message: str) -> None:
    data = bytearray(FILES["wav"])
    struct.pack_into(layout, data, offset, value)
    assert message in refused(bytes(data))


# ---- what is no sound


def test_an_empty_file_says_so_and_what_is_accepted() -> None:
    assert refused(b"") == (
        "the file is empty; accepted are: wav, mp3, flac, ogg, opus, m4a, aac, mp4, mov, mkv, webm, aiff, caf, amr"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"%PDF-1.7\n" + bytes(1000),
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b"\0" * 4096,
        b"\xff" * 4096,
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"fLaC",
        b"OggS",
        b"ID3\x04\0\0\0\0\0\0",
        b"\x1aE\xdf\xa3",
        b"\0\0\0\x18ftypM4A ",
        b"1\n00:00:01,000 --> 00:00:02,000\nhi\n",
    ],
)
def test_other_files_are_refused_with_the_accepted_formats(data: bytes) -> None:
    assert "accepted are: wav, mp3" in refused(data)


def test_a_wav_without_samples_is_refused() -> None:
    data = bytearray(FILES["wav"][:44])
    struct.pack_into("<I", data, 40, 0)
    assert "no sound could be decoded" in refused(bytes(data))


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/secret.wav\n",
        "ffconcat version 1.0\nfile '/etc/hostname'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n",
    ],
)
def test_a_list_of_other_files_is_never_followed(playlist: str) -> None:
    assert "accepted are" in refused(playlist.encode())


# ---- broken files


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_that_breaks_off_gives_what_came_before(name: str) -> None:
    whole = encode(Audio(np.tile(SOUND.samples, 6), 24_000), name)
    [(_, audio)] = read_audio(io.BytesIO(whole[: len(whole) * 2 // 3]), LIMITS)
    assert 3 < audio.duration < 4.5


# No deadline: this machine may be busy; a hang is caught by the test run's own timeout.
patient = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.data_too_large])


def survives(data: bytes) -> None:
    try:
        heard = read_audio(io.BytesIO(data), LIMITS, "split")
    except (InvalidAudio, LimitExceeded):
        return
    for _, audio in heard:
        assert len(audio.samples)
        assert np.isfinite(audio.samples).all()
        assert np.abs(audio.samples).max() <= 1


@patient
@given(st.binary(max_size=3000))
def test_random_bytes_are_refused_or_read_and_nothing_else(data: bytes) -> None:
    survives(data)


@patient
@given(st.sampled_from([data[:12] for data in FILES.values()]), st.binary(max_size=3000))
def test_random_bytes_behind_a_true_beginning_are_refused_or_read(magic: bytes, data: bytes) -> None:
    survives(magic + data)


@patient
@given(st.sampled_from(sorted(FILES)), st.integers(0, 60_000))
def test_a_file_cut_anywhere_is_refused_or_read(name: str, length: int) -> None:
    survives(FILES[name][:length])


@patient
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 255)), min_size=1, max_size=12),
)
def test_a_file_with_flipped_bits_is_refused_or_read(name: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(FILES[name])
    for offset, mask in flips:
        data[offset % len(data)] ^= mask
    survives(bytes(data))
