"""The documents are held to the code: settings, links, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tingshuo.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/*.md"), *ROOT.glob("starter/*/*.md")]
)


def test_every_setting_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    missing = [name for name in Settings.model_fields if f"`TINGSHUO_{name.upper()}`" not in page]
    assert missing == []
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, bool | int | float):
            shown = str(field.default).lower().removesuffix(".0")
            assert f"| `TINGSHUO_{name.upper()}` | `{shown}` |" in page, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_readmes_in_both_languages_show_the_same_commands() -> None:
    def commands(name: str) -> list[str]:
        blocks = re.findall(r"```(?:sh|python)\n(.*?)```", (ROOT / name).read_text("utf-8"), re.DOTALL)
        return [re.sub(r"^# .*\n", "", block, flags=re.MULTILINE) for block in blocks]

    assert commands("README.md") == commands("README.zh-CN.md")
