"""What the training runs of `starter/` have in common: learning rate, moving average, checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

Script = Callable[[str], ModuleType]


@pytest.fixture
def begin(script: Script, tmp_path: Path) -> Callable[[], Any]:
    """Begin a run, or go on with the one there: a linear layer in a folder that has yet to be made."""
    run_type = script("timed_run").TimedRun

    def made() -> Any:
        network = nn.Linear(2, 1)
        return run_type(tmp_path / "run" / "last.pt", network, torch.optim.SGD(network.parameters(), momentum=0.9), 1)

    return made


def _parts(run: Any, scale: float = 1.0) -> dict[str, Tensor]:
    made = run.network(torch.tensor([[1.0, 2.0]]))
    return {"square": scale * (made - 3).square().mean(), "size": 0.0 * made.abs().mean()}


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine(script: Script) -> None:
    rate = script("timed_run").warm_cosine
    found = [rate(progress, warmup=0.2, first=0.1, least=0.05) for progress in (0, 0.1, 0.2, 0.6, 1, 1.5)]
    assert found == pytest.approx([0.1, 0.55, 1, 0.5, 0.05, 0.05])


def test_a_run_goes_on_from_its_checkpoint(begin: Callable[[], Any]) -> None:
    run = begin()
    assert run.resume() is None
    before = run.descend(_parts(run), 0.01, clip=100.0)
    for _ in range(5):
        run.descend(_parts(run), 0.01, clip=100.0)
    after = {name: float(part.detach()) for name, part in _parts(run).items()}
    assert after["square"] < before["square"]
    assert after["size"] == 0
    run.spent, run.heard = 20.0, 7.5
    run.save()
    again = begin()
    saved = again.resume()
    assert saved["step"] == 6
    assert (again.step, again.spent, again.heard) == (6, 20.0, 7.5)
    assert again.progress == pytest.approx(1 / 3)
    for name, value in run.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)
        assert torch.equal(again.average[name], run.average[name])
        assert not torch.equal(again.average[name], value)
    # The optimizer's momentum is there too: both take the same next step.
    for one in (run, again):
        one.descend(_parts(one), 0.01, clip=100.0)
    assert all(torch.equal(again.average[name], value) for name, value in run.average.items())
    assert [path.name for path in run.path.parent.iterdir()] == ["last.pt"]


def test_a_batch_that_overflows_changes_no_weight(begin: Callable[[], Any]) -> None:
    run = begin()
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    run.descend(_parts(run, float("inf")), 0.01, clip=1.0)
    assert all(torch.equal(value, before[name]) for name, value in run.network.state_dict().items())


def test_a_run_ends_when_its_time_is_spent(begin: Callable[[], Any], capsys: pytest.CaptureFixture[str]) -> None:
    run = begin()
    taken: list[int] = []

    def update() -> dict[str, float]:
        taken.append(len(taken))
        run.step += 1
        run.heard += 36.0
        if len(taken) == 120:
            run.budget = 0.0
        return {"loss": float(len(taken))}

    run.go_on(update, save_seconds=3600)
    assert len(taken) == 120
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("step 50 loss 25.5000 0.50 h")
    assert second.endswith("step 100 loss 75.5000 1.00 h")
    again = begin()
    again.resume()
    assert (again.step, again.spent) == (120, run.spent)
    assert again.spent > 0
