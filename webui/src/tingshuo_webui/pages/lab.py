"""/lab: speak sentences with emotions, recognise them, compare."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import account, api, needs
from tingshuo_webui.api import ApiError, Json
from tingshuo_webui.choices import by_engine, engines_of, starters
from tingshuo_webui.matrix import matrix_of
from tingshuo_webui.runs import compared, marked

blueprint = Blueprint("lab", __name__)
blueprint.app_template_filter("marked")(marked)

#: What the form begins with: each mood has words that go with it.
SENTENCES = "今天真高兴，我们去公园吧！\n你怎么又迟到了？\n外面下着雨，他一个人走回家。\n请把这份报告发给我。"


@blueprint.get("/lab")
@needs("speak", "transcribe")
def page() -> str | Response:
    """The form of a run, and the runs there were."""
    found = account()
    runs = (
        api().get("/v1/jobs", kind="roundtrip", limit=20, summary="true")["data"] if found and found.may("jobs") else []
    )
    engines = api().get("/v1/engines")["data"]
    return render_template(
        "lab.html",
        voices=by_engine(api().get("/v1/audio/voices")["voices"]),
        recognizers=engines_of(api().get("/v1/models")["data"], "recognizer"),
        starters=starters(engines),
        runs=runs,
        sentences=SENTENCES,
    )


@blueprint.get("/lab/compare")
@needs("jobs")
def compare() -> str | Response:
    """Two runs side by side: `run` twice in the query."""
    asked = request.args.getlist("run")[:2]
    if len(asked) < 2:
        raise ApiError(400, "name two runs: /lab/compare?run=…&run=…")
    runs = [_ended(job_id) for job_id in asked]
    one, other = (run["result"] for run in runs)
    return render_template(
        "compare.html", runs=runs, matrices=[matrix_of(one), matrix_of(other)], found=compared(one, other)
    )


def _ended(job_id: str) -> Json:
    job = api().get(f"/v1/jobs/{job_id}")
    if job["kind"] != "roundtrip" or not job.get("result"):
        raise ApiError(409, f"{job_id} is no round trip with a result")
    return job
