"""/history: every job, newest first; what can be done with them; the batches and the webhooks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from tingshuo_webui.accounts import api, needs
from tingshuo_webui.api import ApiError, Json
from tingshuo_webui.choices import as_query, by_engine, callers, engines_of, filters_of
from tingshuo_webui.filters import number
from tingshuo_webui.words import EMOTIONS, EVENTS, JOB_STATES, KINDS

blueprint = Blueprint("history", __name__)

#: Query parameters that narrow the list, as the API calls them.
FILTERS = ("q", "kind", "status", "engine", "emotion", "event", "since", "until", "caller", "batch")
PAGE = 50
#: How a webhook stands -> how the page says it, and the colour of its badge.
DELIVERY_STATES = {"pending": _("to be sent"), "delivered": _("delivered"), "failed": _("failed")}
_DELIVERY_TONES = {"pending": "running", "delivered": "succeeded", "failed": "failed"}
CHANNELS = {
    "mix": _("mixed to one"),
    "split": _("left and right apart (calls)"),
    "left": _("left only"),
    "right": _("right only"),
}
#: Fields of the form to repeat a job, by kind: those that are texts, and those that are numbers.
_TEXTS = {
    "transcription": ("model", "language", "channel", "prompt"),
    "speech": ("input", "emotion"),
    "roundtrip": ("recognizer",),
}
_NUMBERS = {
    "transcription": (),
    "speech": ("intensity", "speed", "pitch", "volume"),
    "roundtrip": ("intensity", "speed"),
}


@blueprint.get("/history")
@needs("jobs")
def page() -> str | Response:
    """One page of jobs; the next one begins after its last id, so the thousandth page is as quick as the first."""
    chosen = filters_of(request.args, FILTERS)
    query = {**as_query(chosen), "summary": "true"}
    found = api().get("/v1/jobs", limit=PAGE, after=request.args.get("after"), **query)
    following = url_for("history.page", **{**chosen, "after": found["last_id"]}) if found["has_more"] else None
    return render_template(
        "history.html",
        jobs=found["data"],
        chosen=chosen,
        following=following,
        later=bool(request.args.get("after")),
        kinds=KINDS,
        states=JOB_STATES,
        engines={engine["name"]: engine["name"] for engine in api().get("/v1/engines")["data"]},
        callers=callers(),
        emotion_names=EMOTIONS,
        event_names=EVENTS,
    )


@blueprint.post("/history/delete")
@needs("jobs")
def remove() -> str | Response:
    """Delete the chosen jobs, once somebody has said that they are sure."""
    jobs = list(dict.fromkeys(request.form.getlist("job")))[:PAGE]
    if not jobs:
        flash(gettext("Choose jobs first."), "problem")
    elif not request.form.get("sure"):
        return render_template("remove.html", chosen_jobs=jobs)
    else:
        flash(gettext("Jobs deleted: %(count)s.", count=number(sum(map(_removed, jobs)))))
    return redirect(url_for("history.page"))


def _removed(job_id: str) -> bool:
    try:
        api().delete(f"/v1/jobs/{job_id}")
    except ApiError as error:
        if error.status != 404:  # somebody else was faster
            raise
        return False
    return True


@blueprint.route("/jobs/<job_id>/again", methods=["GET", "POST"])
@needs("jobs")
def again(job_id: str) -> str | Response | tuple[str, int]:
    """Do a job again, with other parameters where wanted."""
    job = api().get(f"/v1/jobs/{job_id}")
    if request.method == "GET":
        return _again(job)
    try:
        return redirect(url_for("job.page", job_id=_repeated(job, _wished(job["kind"]))["id"]))
    except ApiError as error:
        if error.status >= 500 or error.status == 401:
            raise
        return _again({**job, "input_text": request.form.get("input", job["input_text"])}, error.message), error.status


def _again(job: Json, problem: str | None = None) -> str:
    client, was = api(), {"model": job["engine"], **job["parameters"], **request.form.to_dict()}
    models = client.get("/v1/models")["data"] if job["kind"] != "speech" else []
    engines = engines_of(models, "recognizer")
    heard = dict.fromkeys(code for engine in engines for code in engine["languages"] if code != "auto")
    return render_template(
        "again.html",
        job=job,
        was=was,
        problem=problem,
        engines=engines,
        languages_heard=list(heard),
        channels=CHANNELS,
        voices=by_engine(client.get("/v1/audio/voices")["voices"]) if job["kind"] == "speech" else {},
    )


def _wished(kind: str) -> Json:
    """The fields of the form as the API takes them."""
    wished: Json = {name: value for name in _TEXTS[kind] if (value := request.form.get(name, "").strip())}
    if kind == "speech" and (voice := request.form.get("voice", "")):
        wished["model"], _slash, wished["voice"] = voice.partition("/")
    for name in _NUMBERS[kind]:
        if value := request.form.get(name, "").strip():
            try:
                wished[name] = float(value)
            except ValueError:
                abort(400, gettext("%(name)s is no number.", name=name))
    return wished


def _repeated(job: Json, wished: Json) -> Json:
    """A new job like `job`. What was answered at once has no kept request, but a text can be spoken again from here."""
    if job["kind"] == "speech" and job["queue"] is None:
        return api().post("/v1/jobs", {"kind": "speech", "input": {"response_format": "wav", **wished}})
    return api().post(f"/v1/jobs/{job['id']}/replay", {"overrides": wished})


@blueprint.get("/batches")
@needs("jobs")
def batches() -> str | Response:
    """The batches with how far they are."""
    found = api().get("/v1/batches", limit=PAGE, after=request.args.get("after"))
    following = url_for("history.batches", after=found.get("last_id")) if found["has_more"] else None
    return render_template("batches.html", batches=found["data"], following=following)


@blueprint.post("/batches/<batch_id>/cancel")
@needs("jobs")
def cancel_batch(batch_id: str) -> Response:
    """Cancel what of a batch has not been done."""
    api().post(f"/v1/batches/{batch_id}/cancel")
    flash(gettext("The rest of the batch is cancelled."))
    return redirect(url_for("history.batches"))


@blueprint.get("/deliveries")
@needs("jobs")
def deliveries() -> str | Response:
    """The webhooks that were sent, or are still to be."""
    found = api().get("/v1/webhooks/deliveries", limit=PAGE, after=request.args.get("after"))
    following = url_for("history.deliveries", after=found.get("last_id")) if found["has_more"] else None
    shown: dict[str, Any] = {"states": DELIVERY_STATES, "tones": _DELIVERY_TONES}
    return render_template("deliveries.html", deliveries=found["data"], following=following, **shown)
