// Text to speech: played while it is made, kept as takes, read word by word, downloaded in any format.
import { compare } from "./compare.js";
import { element } from "./element.js";
import { save } from "./exports.js";
import { call } from "./gate.js";
import { Manner, moved } from "./manner.js";
import { note } from "./page.js";
import { Player } from "./player.js";
import { read } from "./reading.js";
import { isSsml, lineOf, placeOf, wrap } from "./ssml.js";
import { emotionName, word } from "./words.js";

const $ = (id) => document.getElementById(id);
const form = $("speech");
const text = $("text");
const manner = new Manner(form, reads);
let stopping = null;

/** An error where it belongs: at the text, with the part that it speaks of selected. */
function wrong(error) {
  const place = placeOf(error.message, text.value);
  if (error.status !== 400 || !isSsml(text.value) || !place) {
    note(error.message || word("unreachable"), { bad: true });
    return;
  }
  const at = word("at_place", lineOf(text.value, place[0]));
  Object.assign($("wrong"), { textContent: `${at}: ${error.message}`, hidden: false });
  text.setAttribute("aria-invalid", "true");
  text.focus();
  text.setSelectionRange(...place);
}

function written() {
  $("count").textContent = `${text.value.length.toLocaleString()} · ${word(isSsml(text.value) ? "ssml" : "plain_text")}`;
  $("wrong").hidden = true;
  text.removeAttribute("aria-invalid");
}

async function say() {
  const stop = new AbortController();
  const player = new Player();
  const stopped = new Promise((done) => { stop.signal.addEventListener("abort", done); });
  stopping = () => stop.abort();
  busy(true);
  $("progress").textContent = "";
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(2);
  try {
    const body = manner.asked(text.value, { response_format: "pcm", stream: true });
    const reply = await call("POST", "audio/speech", { json: body, signal: stop.signal });
    const reader = reply.body.getReader();
    for (let first = true; ;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (first && value.length) {
        $("progress").textContent = word("first_sound", { seconds: seconds() });
        first = false;
      }
      player.push(value);
    }
    $("progress").textContent += ` · ${word("spoken", { duration: player.seconds.toFixed(1), seconds: seconds() })}`;
    take(body, player.file);
    await Promise.race([player.ended(), stopped]);
  } catch (error) {
    if (error.name === "AbortError") $("progress").textContent = word("stopped");
    else wrong(error);
  } finally {
    await player.stop();
    stopping = null;
    busy(false);
  }
}

function busy(on) {
  const stopHadFocus = document.activeElement === $("stop");
  $("say").disabled = on;
  $("stop").hidden = !on;
  if (on) $("stop").focus();
  else if (stopHadFocus) $("say").focus();
}

/** A take of what was spoken, with what it was spoken with. */
function take(body, file) {
  const emotion = body.emotion ?? "neutral";
  const sound = element("audio", { controls: true, src: URL.createObjectURL(file) });
  const remove = element("button", { type: "button", className: "quiet small" }, word("remove"));
  const item = element("li", {},
    element("p", {}, `${body.voice} · `, element("span", { className: "emotion", dataset: { emotion } }, emotionName(emotion)),
      moved(body) ? ` · ${moved(body)}` : ""),
    element("p", { className: "soft small" }, body.input), sound, remove);
  remove.addEventListener("click", () => { URL.revokeObjectURL(sound.src); item.remove(); });
  $("no-takes").hidden = true;
  $("takes").prepend(item);
}

async function download() {
  const format = form.elements.response_format.value;
  const button = $("download");
  button.disabled = true;
  try {
    const reply = await call("POST", "audio/speech", { json: manner.asked(text.value, { response_format: format }) });
    save(`speech.${format}`, await reply.blob());
  } catch (error) {
    wrong(error);
  } finally {
    button.disabled = false;
  }
}

let due = 0;
/** Read anew a moment after the last change, where the view is open. */
function reads() {
  $("frontend").hidden = manner.engine !== "sambert_hifigan";
  clearTimeout(due);
  if (!$("frontend").open || $("frontend").hidden || !text.value.trim()) return;
  due = setTimeout(() => read(text.value, manner.voice.value).catch(wrong), 300);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!text.value.trim()) note(word("nothing_to_say"));
  else if (!stopping) say();
});
form.querySelectorAll("[data-tag]").forEach((button) => {
  button.addEventListener("click", () => wrap(text, button.dataset.tag, manner.emotion));
});
text.addEventListener("input", () => { written(); reads(); });
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
$("stop").addEventListener("click", () => stopping?.());
$("download").addEventListener("click", download);
$("reset").addEventListener("click", () => manner.reset());
$("frontend").addEventListener("toggle", reads);
written();
reads();
compare($("ab"), () => text.value, wrong);
