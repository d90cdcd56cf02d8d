"""Names of emotions, events and states in the visitor's language, and the words that scripts show."""

from __future__ import annotations

from flask_babel import gettext
from flask_babel import lazy_gettext as _

#: Emotion -> its name. The order is that of every chart and button.
EMOTIONS = {
    "neutral": _("neutral"),
    "happy": _("happy"),
    "sad": _("sad"),
    "angry": _("angry"),
    "fearful": _("fearful"),
    "disgusted": _("disgusted"),
    "surprised": _("surprised"),
    "unknown": _("not told"),
}
EVENTS = {
    "music": _("music"),
    "singing": _("singing"),
    "applause": _("applause"),
    "laughter": _("laughter"),
    "crying": _("crying"),
    "coughing": _("coughing"),
    "sneezing": _("sneezing"),
    "breath": _("breath"),
    "noise": _("noise"),
    "other": _("other sound"),
}
JOB_STATES = {
    "queued": _("waiting"),
    "running": _("running"),
    "succeeded": _("done"),
    "failed": _("failed"),
    "cancelled": _("cancelled"),
}
ENGINE_STATES = {
    "not_loaded": _("not loaded"),
    "ready": _("loaded"),
    "unavailable": _("cannot be used"),
}
KINDS = {"transcription": _("transcription"), "speech": _("speech"), "roundtrip": _("round trip")}
LANGUAGES = {
    "auto": _("detect"),
    "zh": _("Mandarin"),
    "yue": _("Cantonese"),
    "en": _("English"),
    "ja": _("Japanese"),
    "ko": _("Korean"),
}


def script_words() -> dict[str, object]:
    """What the scripts of the pages say, in the visitor's language."""
    return {
        "emotions": {name: str(word) for name, word in EMOTIONS.items()},
        "states": {name: str(word) for name, word in JOB_STATES.items()},
        "uploading": gettext("uploading"),
        "cancel": gettext("Cancel"),
        "open": gettext("Open"),
        "retry": gettext("Try again"),
        "unreachable": gettext("The server does not answer. Your input is still here; try again."),
        "microphone_refused": gettext("The browser gave no microphone: {reason}"),
        "recording": gettext("recording"),
        "saved": gettext("Saved."),
        "edit_waiting": gettext("Not saved yet"),
        "edit_saving": gettext("Saving …"),
        "edit_saved": gettext("Saved"),
        "edit_conflict": gettext("Somebody else has changed this transcript."),
        "not_saved": gettext("Kept in this browser, not saved: {reason}"),
        "times_wrong": gettext("Times look like 1:02.5, and the end comes after the start."),
        "last_segment": gettext("The last segment stays."),
        "first_sound": gettext("first sound after {seconds} s"),
        "spoken": gettext("{duration} s of speech in {seconds} s"),
        "nothing_to_say": gettext("Write something first."),
        "too_large": gettext("The file is larger than the server takes."),
        "remove": gettext("Remove"),
        "reading_of": gettext("How is “{word}” read?"),
        "times_unknown": gettext("times not measured"),
        "at_place": gettext("Line {line}, column {column}"),
        "plain_text": gettext("plain text"),
        "ssml": "SSML",
        "stopped": gettext("stopped"),
        "speaking": gettext("Speaking …"),
        "listening": gettext("Listening …"),
        "utterances_in_runs": gettext("{n} utterances, runs: {runs}"),
        "choose_engines": gettext("Choose an engine that speaks and one that listens."),
        "of_all": gettext("{done} of {all}, {seconds} s"),
        "no_emotion": gettext("this voice speaks without emotions"),
    }
