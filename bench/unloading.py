"""Whether unloading an engine gives its memory back to the system.

    python bench/unloading.py [--engine sensevoice] [--isolated]

Resident memory of this process, or of the engine's own with --isolated, before loading, after it, after a request and
after unloading; twice, since only growth from round to round would be a leak. Settings of the engine come from the
environment, e.g. TINGSHUO_SENSEVOICE_MODEL.
"""

from __future__ import annotations

import argparse
import os

from tingshuo import Settings, TranscribeOptions, Utterance
from tingshuo.engines import Engines
from tingshuo.machine import resident_bytes

TEXT = "请问地铁站怎么走？"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="sensevoice")
    parser.add_argument("--isolated", action="store_true")
    given = parser.parse_args()
    engines = Engines(Settings(engine_isolation=(given.engine,) if given.isolated else ()))
    spoken = engines.synthesize(Utterance(TEXT, "cmn"), "espeak")
    hears = any(row.name == given.engine and row.engine and row.engine.kind == "recognizer" for row in engines.status())

    def row(when: str) -> None:
        [status] = [status for status in engines.status() if status.name == given.engine]
        elsewhere = f"{(status.memory_bytes or 0) / 2**20:.0f}" if given.isolated else "-"
        print(f"| {when} | {(resident_bytes(os.getpid()) or 0) / 2**20:.0f} | {elsewhere} |", flush=True)

    print("| | this process, MiB | the engine's, MiB |\n|---|---|---|")
    for number in (1, 2):
        row(f"before loading, round {number}")
        engines.load(given.engine)
        row("loaded")
        if hears:
            engines.transcribe(spoken, TranscribeOptions(), given.engine)
        else:
            engines.synthesize(Utterance(TEXT, ""), given.engine)
        row("after a request")
        engines.unload(given.engine)
        row("unloaded")
    engines.close()


if __name__ == "__main__":
    main()
