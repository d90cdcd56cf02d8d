"""`tingshuo roundtrip`: speak sentences, recognise them, compare."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tingshuo.cli.console import FAILED, emit, note, progress_bar, table

if TYPE_CHECKING:
    from tingshuo.cli.console import Report
    from tingshuo.roundtrip import RoundtripPlan, RoundtripResult
    from tingshuo.roundtrip_result import Row

#: Of how many of the worst utterances a report has the sound.
_SOUNDING = 20


def roundtrip(
    suite: Annotated[Path | None, typer.Option(help="UTF-8, one sentence a line, # for remarks.")] = None,
    synthesizer: Annotated[str, typer.Option(help="Engine that speaks.")] = "",
    voice: Annotated[list[str] | None, typer.Option(help="Repeat it, or a,b. Default: all of the language.")] = None,
    recognizer: Annotated[str, typer.Option(help="Engine that listens.")] = "",
    emotions: Annotated[str, typer.Option(help="As in happy,sad. Default: all that each voice has.")] = "",
    language: Annotated[str, typer.Option(help="Language of the sentences.")] = "zh",
    intensity: Annotated[float, typer.Option(help="0 is neutral, 1 as the voice does it, at most 2.")] = 1.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the report.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    fail_cer: Annotated[float | None, typer.Option(help="Exit code 1 if the CER is above.")] = None,
    fail_emotion: Annotated[float | None, typer.Option(help="Exit code 1 if the emotion accuracy is below.")] = None,
    progress: Annotated[bool | None, typer.Option("--progress/--no-progress", help="Default: on a terminal.")] = None,
) -> None:
    """Let the platform listen to what it said: every sentence, emotion and voice."""
    from tingshuo.cli.suite import sentences
    from tingshuo.roundtrip import RoundtripPlan, gate
    from tingshuo.validation import parse_emotion

    plan = RoundtripPlan(
        sentences(suite, language),
        synthesizer,
        recognizer,
        _names(voice or ()),
        tuple(parse_emotion(name) for name in _names([emotions])),
        language,
        intensity,
        keep_audio=_SOUNDING if out else 0,
    )
    if out:
        out.mkdir(parents=True, exist_ok=True)  # told before the work, not after it
    with progress_bar("round trip", shown=progress, unit="items") as report:
        result = _result(plan, report)
    _tell(result, as_json=as_json)
    if out:
        from tingshuo.reports import write_report

        write_report(result, out)
        note(f"the report lies in {out}")
    reasons = gate(result, fail_cer, fail_emotion)
    for reason in reasons:
        note(f"failed: {reason}")
    if reasons:
        raise typer.Exit(FAILED)


def _names(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for part in given for name in part.split(",") if name.strip())


def _result(plan: RoundtripPlan, report: Report) -> RoundtripResult:
    """The plan carried out, with a row in the job history."""
    from dataclasses import asdict

    from tingshuo import db
    from tingshuo.engines import Engines
    from tingshuo.jobs import History
    from tingshuo.roundtrip import planned, run
    from tingshuo.settings import load_settings

    settings = load_settings()
    with closing(Engines(settings)) as engines:
        planned(engines, plan)  # what is wrong with the plan is told before it becomes a job
        speaker = engines.synthesizer(plan.synthesizer)
        db.upgrade(settings)
        used = {"synthesizer": speaker.name, "recognizer": engines.recognizer(plan.recognizer).name}
        parameters = {**asdict(plan), **used}
        del parameters["sentences"], parameters["keep_audio"]
        text = "\n".join(plan.sentences)
        with (
            closing(History(settings)) as history,
            history.record("roundtrip", speaker, parameters, caller="cli", input_text=text) as job,
        ):
            result = run(engines, plan, lambda _, done, total: report(done, total))
            summary, characters = result.summary(), sum(len(item.sentence) for item in result.items)
            job.finish(summary, audio_seconds=summary["timings"]["audio_seconds"], characters=characters)
    return result


def _tell(result: RoundtripResult, *, as_json: bool) -> None:
    if as_json:
        emit(json.dumps(result.summary(), ensure_ascii=False))
        return
    emit(" -> ".join(f"{used.name} ({used.model})" for used in (result.synthesizer, result.recognizer)))
    rows = [result.overall, *result.per_voice, *result.per_emotion]
    columns = ("of", "n", "failed", "CER", "syllables", "WER", "emotion heard")
    table(columns, [_cells(row) for row in rows])


def _cells(row: Row) -> list[str]:
    rates = (row.cer, row.syllable_error_rate, row.wer, row.emotion_accuracy)
    return [row.name, str(row.n), str(row.failed), *("-" if rate is None else f"{rate:.1%}" for rate in rates)]
