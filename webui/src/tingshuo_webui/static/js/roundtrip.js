// A round trip: drill down from the matrix, hear an utterance again.
import { element } from "./element.js";
import { call } from "./gate.js";
import { note } from "./page.js";
import { emotionName } from "./words.js";

const $ = (id) => document.getElementById(id);
const parameters = JSON.parse($("parameters").textContent);
const rows = [...document.querySelectorAll("#items tbody tr")];

/** Only the utterances of a cell, or all. */
function show(spoken, heard) {
  rows.forEach((row) => { row.hidden = Boolean(spoken) && (row.dataset.spoken !== spoken || row.dataset.heard !== heard); });
  document.querySelectorAll("#matrix button").forEach((button) => {
    button.setAttribute("aria-pressed", String(button.dataset.spoken === spoken && button.dataset.heard === heard));
  });
  $("shown").textContent = spoken ? `${emotionName(spoken)} → ${emotionName(heard)}` : "";
  $("all").hidden = !spoken;
}

$("matrix").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  show(button.dataset.spoken, button.dataset.heard);
  $("items").scrollIntoView({ block: "nearest" });
});
$("all").addEventListener("click", () => show());

/** The audio of a round trip never leaves memory, so an utterance is spoken again, with the same parameters. */
$("items").addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-listen]");
  if (!button) return;
  const row = button.closest("tr");
  button.disabled = true;
  try {
    const reply = await call("POST", "audio/speech", { json: {
      model: parameters.synthesizer, voice: row.dataset.voice, emotion: row.dataset.spoken, response_format: "mp3",
      input: row.querySelector(".sentence").textContent,
      intensity: parameters.intensity ?? 1, speed: parameters.speed ?? 1,
    } });
    const src = URL.createObjectURL(await reply.blob());
    const sound = element("audio", { controls: true, autoplay: true, src });
    button.replaceWith(sound);
    sound.focus();
  } catch (error) {
    note(error.message, { bad: true });
    button.disabled = false;
  }
});
