"""docs/writing-a-plugin.md quotes the files of the espeak plugin as they are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "writing-a-plugin.md"
QUOTED = re.compile(r"^`(plugins/\S+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_blocks_of_the_plugin_page_are_the_files_they_name() -> None:
    blocks = QUOTED.findall(PAGE.read_text("utf-8"))
    assert len(blocks) == 4
    for path, quoted in blocks:
        assert quoted == (ROOT / path).read_text("utf-8"), f"{PAGE.name} does not quote {path} as it is"


def test_the_conformance_test_of_the_page_is_one_that_runs() -> None:
    block = PAGE.read_text("utf-8").split("## 4.")[1].split("```python\n")[1].split("```")[0]
    tests = (Path(__file__).parent / "test_engine.py").read_text("utf-8")
    assert block.strip().splitlines()[-2:] == [
        line for line in tests.splitlines() if "keeps_its_promises" in line or "check_synthesizer(Esp" in line
    ]


def test_a_third_engine_is_under_sixty_lines() -> None:
    engine = ROOT / "plugins" / "espeak" / "src" / "tingshuo_espeak" / "engine.py"
    assert len(engine.read_text("utf-8").splitlines()) < 60
