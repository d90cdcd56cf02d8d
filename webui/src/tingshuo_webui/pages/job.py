"""/jobs/…: one job with its result, and what can be done with it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import account, api, needs
from tingshuo_webui.api import Json
from tingshuo_webui.emotions import chart_of, shares_of, turning_points
from tingshuo_webui.matrix import matrix_of

blueprint = Blueprint("job", __name__)

#: Where a job is shown, by kind.
_TEMPLATES = {"transcription": "transcript.html", "speech": "speech.html", "roundtrip": "roundtrip.html"}


@blueprint.get("/jobs/<job_id>")
@needs("jobs")
def page(job_id: str) -> str | Response:
    """The job: its transcript, speech or round trip, or how far it is."""
    job = api().get(f"/v1/jobs/{job_id}")
    if job["status"] != "succeeded" or not job.get("result"):
        return render_template("waiting.html", job=job)
    return render_template(_TEMPLATES[job["kind"]], job=job, result=job["result"], **_shown(job))


def _shown(job: Json) -> dict[str, object]:
    kind, result = job["kind"], job["result"]
    if kind == "transcription":
        return _transcript(job["id"], result)
    if kind == "roundtrip":
        found = account()
        others = api().get("/v1/jobs", kind="roundtrip", status="succeeded", limit=50)["data"] if found else []
        return {"matrix": matrix_of(result), "others": others}
    return {}


def _transcript(job_id: str, result: Json) -> dict[str, object]:
    """The transcript as it was corrected last; one whose text is not kept can be looked at only."""
    if result.get("text") is None:
        told, revisions = {"segments": result["segments"], "revision": None}, []
    else:
        told = api().get(f"/v1/jobs/{job_id}/transcript")
        revisions = api().get(f"/v1/jobs/{job_id}/transcript/revisions")["data"]
    segments = told["segments"]
    return {
        "segments": segments,
        "revision": told["revision"],
        "revisions": revisions,
        "charts": chart_of(segments, float(result.get("duration") or 0.0)),
        "shares": shares_of(segments),
        "turns": turning_points(segments),
    }


@blueprint.post("/jobs/<job_id>/cancel")
@needs("jobs")
def cancel(job_id: str) -> Response:
    """Cancel a job that has not ended."""
    api().post(f"/v1/jobs/{job_id}/cancel")
    return redirect(url_for("job.page", job_id=job_id))


@blueprint.post("/jobs/<job_id>/replay")
@needs("jobs")
def replay(job_id: str) -> Response:
    """Do the same again, as a job of its own."""
    again = api().post(f"/v1/jobs/{job_id}/replay")
    return redirect(url_for("job.page", job_id=again["id"]))


@blueprint.post("/jobs/<job_id>/delete")
@needs("jobs")
def delete(job_id: str) -> Response:
    """Remove a job with all that was kept for it."""
    api().delete(f"/v1/jobs/{job_id}")
    flash(_("The job is removed with all that was kept for it."))
    return redirect(url_for("history.page"))
