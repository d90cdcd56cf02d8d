// A transcript: the wave with its emotions, text that follows the sound, corrections that the server keeps.
import { Cues } from "./cues.js";
import { Editor } from "./editor.js";
import { save } from "./exports.js";
import { ApiError, call, path } from "./gate.js";
import { Keeper } from "./keeper.js";
import { note } from "./page.js";
import { recall } from "./recordings.js";
import { clock, word } from "./words.js";
import { Wave } from "./wave.js";

const $ = (id) => document.getElementById(id);
const { job, revision } = $("transcript").dataset;
const rows = [...document.querySelectorAll(".cue[data-index]")];
/** What was heard with each row, beside its text and its times. */
const heard = rows.map((row) => ({
  timed: "timed" in row.dataset,
  emotion: row.dataset.emotion,
  events: [...row.querySelectorAll(".marks .badge")].map((badge) => badge.textContent),
}));
let wave = null;
let current = -1;

const cues = new Cues(
  rows.map((row) => ({
    id: Number(row.dataset.id),
    start: Number(row.dataset.start),
    end: Number(row.dataset.end),
    text: row.querySelector(".said").textContent,
    removed: false,
  })),
  (before) => {
    draw(before);
    keeper.changed();
  },
);
const keeper = new Keeper(job, Number(revision), () => cues.lines, state);
const editor = new Editor($("editor"), cues);

/** Bring the rows of the cues that differ from `before` up to date. */
function draw(before) {
  cues.all.forEach((cue, index) => {
    if (cue === before[index]) return;
    const row = rows[index];
    const said = row.querySelector(".said");
    if (said.textContent !== cue.text) said.textContent = cue.text;
    Object.assign(row.dataset, { start: cue.start, end: cue.end });
    row.hidden = cue.removed;
    if (heard[index].timed) row.querySelector(".time").textContent = `${clock(cue.start)} – ${clock(cue.end)}`;
    wave?.move(index, shown(cue, index));
  });
  $("undo").disabled = !cues.past.length;
  $("redo").disabled = !cues.future.length;
}

/** A segment as it is corrected; null where it has no place on the wave. */
const shown = (cue, index) => (cue.removed || !heard[index].timed ? null : { ...heard[index], ...cue });

function state(name, error) {
  $("state").textContent = name === "failed" ? word("not_saved", { reason: error.message }) : word(`edit_${name}`);
  $("state").classList.toggle("bad", name === "failed" || name === "conflict");
  $("conflict").hidden = name !== "conflict";
}

/** Carry on with what this browser kept: it never reached the server. */
function carryOn() {
  const left = keeper.left;
  if (!left) return;
  const lines = new Map(left.lines.map((line) => [line.id, line]));
  // If the transcript has changed since, the server will say so: nobody's corrections are lost unseen.
  keeper.revision = left.revision;
  cues.replace(cues.all.map((cue) => (lines.has(cue.id) ? { ...cue, ...lines.get(cue.id) } : { ...cue, removed: true })));
}

function seek(seconds) {
  if (!wave) return;
  wave.seek(seconds);
  wave.play();
}

/** Show which cue is heard now; scroll to it only while it plays. */
function follow(seconds) {
  $("clock").textContent = clock(seconds);
  const sounds = (cue, at) => !cue.removed && heard[at].timed && cue.start <= seconds && seconds < cue.end;
  const index = cues.all.findIndex(sounds);
  if (index === current) return;
  rows[current]?.classList.remove("now");
  rows[index]?.classList.add("now");
  current = index;
  const writing = $("cues").contains(document.activeElement);
  if (index >= 0 && wave.playing && !writing) rows[index].scrollIntoView({ block: "nearest" });
}

async function sound(source) {
  $("no-sound").hidden = true;
  try {
    wave = await Wave.of($("wave"), source, {
      onTime: follow,
      onPlay: (playing) => {
        $("play").textContent = playing ? "❚❚" : "▶";
        $("play").setAttribute("aria-pressed", String(playing));
      },
      onMove: (index, start, end) => cues.change(index, { start, end }),
    });
    wave.mark(cues.all.map(shown));
    $("player").hidden = false;
  } catch (error) {
    $("no-sound").hidden = false;
    note(error.message, { bad: true });
  }
}

/** Leave what is being written, so that it counts. */
async function written() {
  document.activeElement?.blur();
  return keeper.save();
}

/** The file behind `link`, with every correction in it. */
async function download(link) {
  try {
    if (!await written()) throw new ApiError(0, $("state").textContent);
    const reply = await call("GET", link.getAttribute("href").slice(path("").length));
    save(link.download, await reply.blob());
  } catch (error) {
    note(error.message, { bad: true });
  }
}

/** Make an earlier transcript, 0 is what was heard, the current one. */
async function restore(number) {
  try {
    if (!await written()) return;
    if (number === "0") {
      await call("DELETE", `jobs/${job}/transcript`);
    } else {
      const earlier = await (await call("GET", `jobs/${job}/transcript?revision=${number}`)).json();
      const lines = earlier.segments.map(({ id, start, end, text }) => ({ id, start, end, text }));
      await call("PUT", `jobs/${job}/transcript`, { json: { segments: lines } });
    }
    location.reload();
  } catch (error) {
    note(error.message, { bad: true });
  }
}

document.addEventListener("click", (event) => {
  const { target } = event;
  const button = target.closest("[data-seek]");
  const bar = target.closest("rect[data-at]");
  const seconds = button?.dataset.seek || button?.closest(".cue")?.dataset.start || bar?.dataset.at;
  if (seconds !== undefined && seconds !== "") seek(Number(seconds));
  const link = target.closest("a[data-export]");
  if (link) {
    event.preventDefault();
    download(link);
  }
  const earlier = target.closest("[data-revision]");
  if (earlier && earlier.tagName === "BUTTON") restore(earlier.dataset.revision);
});
rows.forEach((row, index) => {
  row.querySelector(".said")?.addEventListener("blur", ({ target }) => {
    cues.change(index, { text: target.textContent.trim() });
  });
  row.querySelector(".edit")?.addEventListener("click", ({ target }) => editor.open(index, row, target));
});
$("undo").addEventListener("click", () => cues.undo());
$("redo").addEventListener("click", () => cues.redo());
$("theirs").addEventListener("click", () => {
  keeper.forget();
  location.reload();
});
$("mine").addEventListener("click", () => keeper.insist().catch((error) => note(error.message, { bad: true })));
$("play").addEventListener("click", () => wave.toggle());
$("pace").addEventListener("change", ({ target }) => wave.pace(Number(target.value)));
// The wave of some hours takes a second to draw anew: once, when the slider rests.
let zooming;
$("zoom").addEventListener("input", ({ target }) => {
  clearTimeout(zooming);
  zooming = setTimeout(() => wave.zoom(Number(target.value)), 80);
});
$("sound").addEventListener("change", ({ target }) => target.files[0] && sound(target.files[0]));
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key === " " && !writing && !event.target.closest("button, a, summary") && wave) {
    event.preventDefault();
    wave.toggle();
  }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !writing) {
    event.preventDefault();
    if (event.shiftKey) cues.redo(); else cues.undo();
  }
});

carryOn();
const source = $("wave").dataset.src || await recall(job).catch(() => null);
if (source) await sound(source); else $("no-sound").hidden = false;
