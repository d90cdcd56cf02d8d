// How something is to be spoken: a voice, one of the emotions that it has, and the sliders.
import { element } from "./element.js";
import { emotionName } from "./words.js";

export const SLIDERS = ["intensity", "speed", "pitch", "volume"];

export class Manner {
  /** The controls below `root`; `onVoice` is told when another voice is chosen. */
  constructor(root, onVoice = () => {}) {
    this.root = root;
    this.voice = root.querySelector('select[name="voice"]');
    this.emotions = root.querySelector(".emotions[data-emotions]");
    this.sliders = SLIDERS.map((name) => root.querySelector(`input[name="${name}"]`));
    this.voice.addEventListener("change", () => { this.offer(); onVoice(); });
    for (const slider of this.sliders) slider.addEventListener("input", () => this.tell(slider));
    this.offer();
    this.sliders.forEach((slider) => this.tell(slider)); // the browser may have kept values of an earlier visit
  }

  get engine() { return this.voice.selectedOptions[0].dataset.engine; }
  get emotion() { return this.emotions.querySelector("input:checked")?.value ?? "neutral"; }
  set emotion(name) {
    const input = this.emotions.querySelector(`input[value="${name}"]`);
    if (input) input.checked = true;
  }

  /** The emotions that the chosen voice really has, the one chosen before among them where it can. */
  offer() {
    const has = this.voice.selectedOptions[0].dataset.emotions.split(" ").filter(Boolean);
    const before = this.emotion;
    const chosen = has.includes(before) ? before : has[0];
    this.emotions.replaceChildren(...has.map((name) => element("label", {},
      element("input", { type: "radio", name: this.emotions.dataset.name, value: name, checked: name === chosen }),
      element("span", { className: "emotion", dataset: { emotion: name } }, emotionName(name)),
    )));
  }

  tell(slider) {
    const shown = slider.labels[0].querySelector("output");
    shown.textContent = slider.value + shown.dataset.unit;
  }

  reset() {
    for (const slider of this.sliders) {
      slider.value = slider.dataset.initial;
      this.tell(slider);
    }
  }

  /** The body of a request that speaks `input` like this. */
  asked(input, more = {}) {
    const body = { model: this.engine, voice: this.voice.value, input, ...more };
    if (this.emotions.querySelector("input:checked")) body.emotion = this.emotion;
    for (const slider of this.sliders) body[slider.name] = Number(slider.value);
    return body;
  }
}

/** The sliders of a request that stand elsewhere than at first, as `speed 1.2 · pitch 2`. */
export function moved(body) {
  const first = { intensity: 1, speed: 1, pitch: 0, volume: 1 };
  return SLIDERS.filter((name) => body[name] !== first[name]).map((name) => {
    const label = document.querySelector(`label[for="${name}"]`)?.firstChild.textContent.trim() ?? name;
    return `${label} ${body[name]}`;
  }).join(" · ");
}
