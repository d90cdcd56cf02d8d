from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tingshuo_sambert_hifigan.frontend.command import frontend


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(frontend)
    return app


def test_the_command_shows_each_stage(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["展览馆"])
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.stdout.splitlines()][:4] == [
        "normalized",
        "segmented",
        "pinyin",
        "symbols",
    ]
    assert "zhan2 lan2 guan3" in shown.stdout


def test_json_gives_one_object_a_line_in_order_and_goes_on_after_a_refusal(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["--json"], input="展览馆\n😀\n小孩儿\n")
    first, refused, last = map(json.loads, shown.stdout.splitlines())
    assert (first["pinyin"], last["pinyin"]) == ("zhan2 lan2 guan3", "xiao3 hair2")
    assert set(first) == {"normalized", "pinyin", "symbols"}
    assert refused["error"]["code"] == "invalid_request"
    assert shown.exit_code == 1


def test_a_lexicon_is_heeded(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text("展览\tzhan3 lan3\n", "utf-8")
    assert "zhan3 lan3 guan3" in CliRunner().invoke(app, ["--lexicon", str(path), "展览馆"]).stdout


def test_a_refusal_is_one_line_on_standard_error(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["😀"])
    assert shown.exit_code == 1
    assert shown.stderr.startswith("error: there is nothing to speak")
