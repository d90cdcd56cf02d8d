// Two ways to speak one text, side by side: heard in turns from the same place, what a recogniser makes of each, and
// which one somebody preferred.
import { element } from "./element.js";
import { call } from "./gate.js";
import { Manner, moved } from "./manner.js";
import { note } from "./page.js";
import { outline } from "./outline.js";
import { keep, showVotes } from "./votes.js";
import { emotionName, word } from "./words.js";

/** One of the two: its controls, and what came of them. */
class Side {
  constructor(root, mayHear) {
    this.root = root;
    this.letter = root.dataset.side;
    this.mayHear = mayHear;
    this.manner = new Manner(root, () => this.describe());
    this.audio = root.querySelector("audio");
    this.move = () => {};
    root.addEventListener("input", () => this.describe());
    this.describe();
  }

  part(name) { return this.root.querySelector(`[data-${name}]`); }
  describe() {
    const body = this.manner.asked("");
    this.described = [body.voice, emotionName(this.manner.emotion), moved(body)].filter(Boolean).join(" · ");
    this.part("described").textContent = this.described;
  }

  /** How far it is played, as a share of its length: voices have different tempos. */
  get share() { return this.audio.duration ? this.audio.currentTime / this.audio.duration : 0; }
  set share(value) { if (this.audio.duration) this.audio.currentTime = value * this.audio.duration; }

  async speak(text) {
    const reply = await call("POST", "audio/speech", { json: this.manner.asked(text, { response_format: "wav" }) });
    const file = await reply.blob();
    if (this.audio.src) URL.revokeObjectURL(this.audio.src);
    this.spoken = this.described;
    this.audio.src = URL.createObjectURL(file);
    this.part("result").hidden = false;
    this.move = await outline(this.part("outline"), file, this.manner.emotion);
    return file;
  }

  /** What the default recogniser hears in it. */
  async hear(file) {
    const [said, scores] = [this.part("heard"), this.part("scores")];
    scores.replaceChildren();
    said.textContent = this.mayHear ? word("listening") : "–";
    if (!this.mayHear) return;
    const body = new FormData();
    body.append("file", file, "take.wav");
    body.append("response_format", "verbose_json");
    try {
      const heard = await (await call("POST", "audio/transcriptions", { body })).json();
      said.textContent = heard.text || "–";
      scores.replaceChildren(...meanScores(heard.segments).flatMap(([name, share]) => [
        element("dt", {}, element("span", { className: "emotion", dataset: { emotion: name } }, emotionName(name))),
        element("dd", {}, element("meter", { value: share, max: 1, title: emotionName(name) }),
          ` ${Math.round(100 * share)} %`),
      ]));
    } catch (error) {
      said.textContent = error.message;
    }
  }
}

/** The emotions of segments, weighted by their lengths: the three strongest of at least one per cent. */
function meanScores(segments) {
  const sums = new Map();
  let total = 0;
  for (const segment of segments) {
    const length = Math.max(0.001, segment.end - segment.start);
    total += length;
    for (const [name, score] of Object.entries(segment.tingshuo.emotion?.scores ?? {})) {
      sums.set(name, (sums.get(name) ?? 0) + score * length);
    }
  }
  return [...sums].map(([name, sum]) => [name, sum / total]).filter(([, share]) => share >= 0.01)
    .sort((one, other) => other[1] - one[1]).slice(0, 3);
}

/** Let the section `box` compare what `textOf()` gives; `wrong(error)` shows what the text is to blame for. */
export function compare(box, textOf, wrong) {
  const part = (selector) => box.querySelector(selector);
  const sides = [...box.querySelectorAll("[data-side]")].map((root) => new Side(root, box.dataset.mayHear === "yes"));
  const [a, b] = sides;
  if (!b.manner.voice.value || a.manner.voice.value === b.manner.voice.value) {
    b.manner.emotion = b.manner.emotions.querySelectorAll("input")[1]?.value; // one voice alone: two emotions of it
    b.describe();
  }
  let current = a;
  let text = "";

  const playing = () => !current.audio.paused;
  function show() {
    part("#play").setAttribute("aria-pressed", String(playing()));
    box.querySelectorAll("[data-go]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.go === current.letter));
    });
    sides.forEach((side) => side.root.classList.toggle("current", side === current));
  }
  /** Go on with `side` from the same place. */
  function go(side) {
    if (side === current || part("#switch").hidden) return;
    const [share, on] = [current.share, playing()];
    current.audio.pause();
    current = side;
    current.share = share;
    if (on) current.audio.play().catch(() => {});
    show();
  }
  const other = () => (current === a ? b : a);
  function toggle() {
    if (part("#switch").hidden) return;
    if (playing()) current.audio.pause();
    else current.audio.play().catch((error) => note(error.message, { bad: true }));
  }

  async function speakBoth() {
    if (!textOf().trim()) { note(word("nothing_to_say")); return; }
    text = textOf();
    part("#both").disabled = true;
    part("#ab-state").textContent = word("speaking");
    sides.forEach((side) => side.audio.pause());
    try {
      const files = await Promise.all(sides.map((side) => side.speak(text)));
      part("#switch").hidden = part("#vote").hidden = false;
      box.querySelectorAll("[data-better]").forEach((button) => button.setAttribute("aria-pressed", "false"));
      current = a;
      show();
      await Promise.all(sides.map((side, i) => side.hear(files[i])));
    } catch (error) {
      wrong(error);
    }
    part("#ab-state").textContent = "";
    part("#both").disabled = false;
  }

  for (const side of sides) {
    const { audio } = side;
    audio.addEventListener("play", () => {
      if (current !== side) { current.audio.pause(); current = side; }
      show();
      follow();
    });
    audio.addEventListener("pause", show);
    for (const name of ["timeupdate", "seeked"]) audio.addEventListener(name, () => place(side));
  }
  function place(side) {
    side.move(side.share);
    if (side === current) part("#place").textContent = `${Math.round(100 * side.share)} %`;
  }
  function follow() {
    place(current);
    if (playing()) requestAnimationFrame(follow);
  }

  part("#both").addEventListener("click", speakBoth);
  part("#play").addEventListener("click", toggle);
  box.querySelectorAll("[data-go]").forEach((button) => {
    button.addEventListener("click", () => go(button.dataset.go === "A" ? a : b));
  });
  box.querySelectorAll("[data-better]").forEach((button) => button.addEventListener("click", () => {
    box.querySelectorAll("[data-better]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    keep({ text, a: a.spoken, b: b.spoken, better: button.dataset.better });
    showVotes(box);
  }));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || part("#switch").hidden) return;
    if (event.target.closest("input, textarea, select, dialog, audio, summary")) return;
    const key = event.key.toLowerCase();
    if (key === "x") go(other());
    else if (key === "a") go(a);
    else if (key === "b") go(b);
    else if (key === " " && !event.target.closest("button, a")) toggle();
    else return;
    event.preventDefault();
  });
  showVotes(box);
}
