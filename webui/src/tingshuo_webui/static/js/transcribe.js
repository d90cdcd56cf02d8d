// Files and the microphone in; a row for each with its progress; a link to the transcript when it is there.
import { call, finished, headers, path, refusal } from "./gate.js";
import { Live } from "./live.js";
import { listen } from "./microphone.js";
import { note } from "./page.js";
import { keep } from "./recordings.js";
import { clock, stateName, word } from "./words.js";

const $ = (id) => document.getElementById(id);
//: Uploads at a time; the rest wait here.
const AT_ONCE = 3;
const waiting = [];
let sending = 0;

/** What the visitor chose, as the API takes it. */
function fields() {
  const form = new FormData();
  const options = $("options");
  form.set("kind", "transcription");
  for (const name of ["language", "model", "channel", "merge_length_s"]) {
    if (options.elements[name]) form.set(name, options.elements[name].value);
  }
  for (const name of ["itn", "force_emotion"]) form.set(name, options.elements[name].checked);
  if (options.elements.words.checked) {
    form.append("timestamp_granularities[]", "segment");
    form.append("timestamp_granularities[]", "word");
  }
  const hotwords = options.elements.prompt.value.trim();
  if (hotwords) form.set("prompt", hotwords);
  return form;
}

/** Send a form and tell how much of it has gone; the job that the API made of it. */
function send(form, onSent, signal) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", path("jobs"));
    Object.entries(headers()).forEach(([name, value]) => request.setRequestHeader(name, value));
    request.upload.onprogress = ({ loaded, total }) => onSent(loaded / total);
    request.onload = () => {
      if (request.status < 300) done(JSON.parse(request.responseText));
      else failed(refusal(request.status, request.responseText, Number(request.getResponseHeader("Retry-After")) || 0));
    };
    request.onerror = () => failed(new Error(word("unreachable")));
    request.onabort = () => failed(signal.reason);
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** A row of the list, and how to tell what becomes of the recording. */
function row(name) {
  const item = $("upload-row").content.firstElementChild.cloneNode(true);
  const part = (selector) => item.querySelector(selector);
  part(".name").textContent = name;
  $("uploads").prepend(item);
  return {
    say(state, share) {
      part(".state").textContent = state;
      if (share !== undefined) part("progress").value = share;
    },
    done(url, job) {
      part(".state").className = `badge state ${job.status}`;
      part(".stop").hidden = true;
      part("progress").hidden = true;
      Object.assign(part(".open"), { href: url, hidden: false });
    },
    problem(text, again) {
      Object.assign(part(".problem"), { textContent: text, hidden: false });
      part(".state").className = "badge state failed";
      this.say(stateName("failed"));
      const button = part(".stop");
      button.textContent = word("retry");
      button.onclick = () => {
        item.remove();
        again();
      };
    },
    onStop(stop) {
      part(".stop").onclick = () => {
        stop();
        item.remove();
      };
    },
  };
}

function enqueue(file, name) {
  waiting.push({ file, name, shown: row(name), form: fields() });
  next();
}

/** Send the one that has waited longest, unless enough are on their way. */
async function next() {
  if (sending >= AT_ONCE || !waiting.length) return;
  const { file, name, shown, form } = waiting.shift();
  sending += 1;
  const stop = new AbortController();
  shown.onStop(() => stop.abort(new DOMException("stopped", "AbortError")));
  form.set("file", file, name);
  try {
    const job = await send(form, (share) => shown.say(word("uploading"), share / 2), stop.signal);
    follow(job, file, name, shown, stop);
  } catch (error) {
    if (error.name !== "AbortError") shown.problem(error.message, () => enqueue(file, name));
  } finally {
    sending -= 1;
    next();
  }
}

/** Tell how far the job is, until it has ended. */
async function follow(job, file, name, shown, stop) {
  await keep(job.id, file).catch(() => {});
  shown.onStop(() => {
    stop.abort(new DOMException("stopped", "AbortError"));
    call("POST", `jobs/${job.id}/cancel`, { json: {} }).catch(() => {});
  });
  try {
    const tell = (now) => shown.say(stateName(now.status), 0.5 + (now.progress ?? 0) / 2);
    const ended = await finished(job.id, tell, stop.signal);
    if (ended.status === "failed") shown.problem(ended.error_message ?? "", () => enqueue(file, name));
    else shown.done(`/jobs/${ended.id}`, ended);
  } catch (error) {
    if (error.name !== "AbortError") shown.problem(error.message, () => enqueue(file, name));
  }
}

$("files").addEventListener("change", ({ target }) => {
  [...target.files].forEach((file) => enqueue(file, file.name));
  target.value = "";
});
const drop = $("drop");
for (const type of ["dragenter", "dragover"]) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const type of ["dragleave", "drop"]) drop.addEventListener(type, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  [...event.dataTransfer.files].forEach((file) => enqueue(file, file.name));
});

let ending = null;
let live = null;
const button = $("record");
button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    if (ending) {
      live?.close();
      const recording = await ending();
      ending = live = null;
      const when = new Date().toLocaleString("sv").replaceAll(":", "-");
      enqueue(recording, `${word("recording")} ${when}.wav`);
    } else {
      $("partial").textContent = "";
      // Text meanwhile is a help and no more: without it the recording goes on.
      const show = (text) => { $("partial").textContent = text; };
      live = await Live.open($("options").elements.language.value, show).catch(() => null);
      ending = await listen((samples, level, seconds) => {
        live?.hear(samples);
        $("level").value = level;
        $("recorded").textContent = clock(seconds);
      });
    }
  } catch (error) {
    note(word("microphone_refused", { reason: error.message }), { bad: true });
  }
  button.disabled = false;
  button.setAttribute("aria-pressed", String(Boolean(ending)));
  $("recorded").hidden = !ending;
  $("level").value = 0;
});

const merge = $("merge");
merge.addEventListener("input", () => {
  merge.labels[0].querySelector("output").textContent = `${merge.value} s`;
});
addEventListener("beforeunload", (event) => {
  if (sending || ending) event.preventDefault();
});
