"""Settings from the environment: what is wrong stops the start and is named."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from tingshuo.errors import ConfigurationError
from tingshuo.settings import Settings, load_settings


def wrong() -> str:
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    return error.value.message


def test_the_defaults_serve_this_machine_only_and_keep_no_audio() -> None:
    settings = load_settings()
    assert settings.host == "127.0.0.1"
    assert settings.keep_audio == "none"
    assert settings.allowed_ips == ()
    assert settings.data_dir.is_absolute()


def test_addresses_and_networks_are_read_with_host_bits_and_in_both_families(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_ALLOWED_IPS", "10.0.0.5, 192.168.1.7/24,::1, fd00::1/64,")
    assert load_settings().allowed_ips == tuple(
        ipaddress.ip_network(network) for network in ("10.0.0.5/32", "192.168.1.0/24", "::1/128", "fd00::/64")
    )


@pytest.mark.parametrize("name", ["ALLOWED_IPS", "TRUSTED_PROXIES"])
@pytest.mark.parametrize("entry", ["10.0.0.0/33", "localhost", "10.0.0", "10.0.0.1-10.0.0.9", "*", "1.2.3.4 5.6.7.8"])
def test_one_bad_address_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch, name: str, entry: str) -> None:
    monkeypatch.setenv(f"TINGSHUO_{name}", f"127.0.0.1,{entry}")
    message = wrong()
    assert f"TINGSHUO_{name}" in message
    assert f"'{entry}'" in message


def test_every_wrong_variable_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_PORT", "eighty")
    monkeypatch.setenv("TINGSHUO_KEEP_AUDIO", "some")
    message = wrong()
    assert "TINGSHUO_PORT='eighty'" in message
    assert "TINGSHUO_KEEP_AUDIO='some'" in message


def test_a_secret_can_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n", encoding="utf-8")
    monkeypatch.setenv("TINGSHUO_SECRET_FILE", str(file))
    assert load_settings().secret == "s3cret"


def test_a_networks_file_is_parsed_and_checked_like_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "networks"
    monkeypatch.setenv("TINGSHUO_ALLOWED_IPS_FILE", str(file))
    file.write_text("10.1.0.0/16\n", encoding="utf-8")
    assert load_settings().allowed_ips == (ipaddress.ip_network("10.1.0.0/16"),)
    file.write_text("10.1.0.0/99\n", encoding="utf-8")
    assert "10.1.0.0/99" in wrong()


def test_a_secret_file_that_is_not_there_stops_the_start_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_SECRET_FILE", "/no/such/file")
    assert "TINGSHUO_SECRET_FILE: cannot read '/no/such/file'" in wrong()


def test_a_secret_file_that_is_no_text_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("TINGSHUO_SECRET_FILE", str(file))
    assert "TINGSHUO_SECRET_FILE" in wrong()


def test_names_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_PLUGINS", "sensevoice, espeak,")
    assert load_settings().plugins == ("sensevoice", "espeak")


def test_what_is_passed_in_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_PORT", "9000")
    assert load_settings().port == 9000
    assert load_settings(port=9001).port == 9001


def test_an_engine_sees_its_own_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINGSHUO_SENSEVOICE_MODEL", "starter")
    monkeypatch.setenv("TINGSHUO_SAMBERT_HIFIGAN_MODEL", "auto")
    assert Settings().for_engine("sensevoice") == {"model": "starter"}
    assert Settings().for_engine("sambert_hifigan") == {"model": "auto"}
    assert Settings().for_engine("sensevoice", ["model", "device"]) == {"model": "starter"}
    with pytest.raises(ConfigurationError) as refused:
        Settings().for_engine("sensevoice", ["weights", "device"])
    assert refused.value.message == (
        "there is no setting TINGSHUO_SENSEVOICE_MODEL; "
        "there are: TINGSHUO_SENSEVOICE_WEIGHTS, TINGSHUO_SENSEVOICE_DEVICE"
    )
