"""A round trip's result as JSON, as CSV (one row an utterance) and as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from dataclasses import asdict
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal, TypeAlias

import jinja2

from tingshuo.documents import csv_cell
from tingshuo.roundtrip_result import RoundtripItem, RoundtripResult
from tingshuo.scoring import UNSPACED, base_language, normalize
from tingshuo.types import UNKNOWN

Change: TypeAlias = Literal["equal", "missing", "added"]

#: Rows of the page's table of all utterances; the CSV has every one.
_MAX_ROWS = 1000

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("tingshuo"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
)
_ENVIRONMENT.filters["percent"] = lambda rate: "–" if rate is None else f"{100 * rate:.1f} %"


def report_json(result: RoundtripResult) -> str:
    """Figures and items, indented; the sound is left out."""
    items = [item_document(item) for item in result.items]
    return json.dumps({**result.summary(), "items": items}, ensure_ascii=False, indent=2) + "\n"


def item_document(item: RoundtripItem) -> dict[str, Any]:
    """One utterance, JSON-ready: edits and rate of each measure, times in seconds."""
    return {
        "sentence": item.sentence,
        "voice": item.voice,
        "emotion": item.emotion,
        "heard": item.heard,
        "heard_language": item.heard_language,
        "heard_emotion": item.heard_emotion or UNKNOWN,
        "emotion_scores": {str(label): round(score, 4) for label, score in item.emotion_scores.items()},
        "cer": item.cer.rate,
        "cer_edits": asdict(item.cer),
        "syllable_error_rate": item.syllables.rate if item.syllables else None,
        "wer": item.words.rate if item.words else None,
        "audio_seconds": round(item.audio_seconds, 3),
        "synthesis_seconds": round(item.synthesis_seconds, 3),
        "recognition_seconds": round(item.recognition_seconds, 3),
        "error": item.error,
    }


def report_csv(result: RoundtripResult) -> str:
    """One row an utterance, for spreadsheets: byte order mark in front, formulas disarmed as in `documents`."""
    rows = [item_document(item) for item in result.items]
    columns = [key for key in rows[0] if key not in ("emotion_scores", "cer_edits")] if rows else []
    table = io.StringIO()
    table.write("\ufeff")
    writer = csv.writer(table)
    writer.writerow(columns)
    writer.writerows([csv_cell(row[column]) for column in columns] for row in rows)
    return table.getvalue()


def report_html(result: RoundtripResult) -> str:
    """The page: figures, confusion heat map, tables by voice and emotion, worst cases with differences and sound."""
    return _ENVIRONMENT.get_template("roundtrip.html").render(
        result=result,
        overall=result.overall,
        timings=result.timings,
        confusion=confusion_shares(result),
        worst=[_shown(item, result.language) for item in result.worst],
        items=[_shown(item, result.language) for item in result.items[:_MAX_ROWS]],
    )


def confusion_shares(result: RoundtripResult) -> list[tuple[str, list[tuple[str, int, float]]]]:
    """Rows of the confusion matrix: spoken emotion, and for each column heard emotion, count, share of the row."""
    return [
        (spoken, [(heard, count, count / max(sum(row.values()), 1)) for heard, count in row.items()])
        for spoken, row in result.confusion.items()
    ]


def _shown(item: RoundtripItem, language: str) -> dict[str, Any]:
    sound = f"data:audio/mpeg;base64,{base64.b64encode(item.audio).decode()}" if item.audio else ""
    return {
        "item": item,
        "changes": differences(item.sentence, item.heard, language),
        "glue": "" if base_language(language, item.sentence) in UNSPACED else " ",
        "sound": sound,
    }


def differences(reference: str, hypothesis: str, language: str) -> list[tuple[Change, str]]:
    """What was said against what was heard, both normalised: ("equal" | "missing" | "added", text) in order."""
    base = base_language(language, reference)
    glue = "" if base in UNSPACED else " "
    said, heard = (_tokens(normalize(text, base), glue) for text in (reference, hypothesis))
    changes: list[tuple[Change, str]] = []
    for tag, a, b, c, d in SequenceMatcher(None, said, heard, autojunk=False).get_opcodes():
        if tag == "equal":
            changes.append(("equal", glue.join(said[a:b])))
            continue
        changes += [("missing", glue.join(said[a:b]))] if b > a else []
        changes += [("added", glue.join(heard[c:d]))] if d > c else []
    return changes


def _tokens(text: str, glue: str) -> list[str]:
    return text.split() if glue else list(text)


def write_report(result: RoundtripResult, out_dir: Path) -> dict[str, Path]:
    """Write roundtrip.json, .csv and .html into `out_dir`, each whole or not at all; their paths by format."""
    out_dir.mkdir(parents=True, exist_ok=True)
    texts = {"json": report_json(result), "csv": report_csv(result), "html": report_html(result)}
    return {name: _replaced(out_dir / f"roundtrip.{name}", text) for name, text in texts.items()}


def _replaced(path: Path, text: str) -> Path:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # newline="": the csv module has written the line ends it wants.
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
