// Round-trip runs: what they will speak, how far each is, then their page or the two compared.
import { element } from "./element.js";
import { finished, post } from "./gate.js";
import { stateName, word } from "./words.js";

const $ = (id) => document.getElementById(id);
const chosen = (name) => [...document.querySelectorAll(`input[name="${name}"]:checked`)]
  .filter((box) => !box.closest("[hidden]"));
const values = (name) => chosen(name).map((box) => box.value);
const sentences = () => $("sentences").value.split("\n").map((line) => line.trim()).filter(Boolean);

/** The voices of an engine that a run will take: those chosen, or all that read the language. */
function voicesOf(engine) {
  const all = [...document.querySelectorAll("#voices [data-engine]")].filter((label) => label.dataset.engine === engine);
  const picked = all.filter((label) => label.querySelector("input").checked);
  return picked.length ? picked : all.filter((label) => label.dataset.languages.split(" ").includes($("language").value));
}

/** How many utterances a run of `engine` speaks. */
function utterances(engine) {
  const wanted = values("emotion");
  return voicesOf(engine).reduce((sum, label) => {
    const has = label.dataset.emotions.split(" ");
    return sum + sentences().length * (wanted.length ? wanted : has).length;
  }, 0);
}

function changed() {
  const speak = values("synthesizer");
  document.querySelectorAll("#voices [data-engine]").forEach((label) => { label.hidden = !speak.includes(label.dataset.engine); });
  const pairs = speak.length * values("recognizer").length;
  const total = speak.reduce((sum, engine) => sum + utterances(engine), 0) * values("recognizer").length;
  $("count").textContent = pairs ? word("utterances_in_runs", { n: total, runs: pairs }) : word("choose_engines");
  $("run").disabled = !pairs || !total;
}

/** A line that shows how far a run is; gives the function that is told. */
function line(title, all) {
  const [told, bar] = [element("span", { className: "soft small number" }), element("progress", { max: 1, value: 0 })];
  bar.setAttribute("aria-label", title);
  $("progress").append(element("li", {}, element("span", { className: "small" }, title), told, bar));
  const began = performance.now();
  return (job) => {
    bar.value = job.status === "succeeded" ? 1 : job.progress ?? 0;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    told.textContent = `${stateName(job.status)} · ${word("of_all", { done: Math.round(bar.value * all), all, seconds })}`;
  };
}

async function run(synthesizer, recognizer, running) {
  const picked = voicesOf(synthesizer).filter((label) => label.querySelector("input").checked);
  const voices = picked.map((label) => label.querySelector("input").value);
  const input = {
    sentences: sentences(), emotions: values("emotion"), voices, synthesizer, recognizer, language: $("language").value,
  };
  const tell = line(`${synthesizer} → ${recognizer}`, utterances(synthesizer));
  const job = await post("jobs", { kind: "roundtrip", input });
  running.add(job.id);
  tell(job);
  const ended = await finished(job.id, tell);
  running.delete(job.id);
  if (ended.status !== "succeeded") throw new Error(ended.error_message ?? stateName(ended.status));
  return ended.id;
}

async function runAll() {
  const running = new Set();
  const problem = $("problem");
  $("progress").replaceChildren();
  $("progress").hidden = false;
  problem.hidden = $("ended").hidden = true;
  $("run").disabled = true;
  $("cancel").hidden = false;
  $("cancel").onclick = () => running.forEach((id) => post(`jobs/${id}/cancel`, {}).catch(() => {}));
  const pairs = values("synthesizer").flatMap((speak) => values("recognizer").map((listen) => [speak, listen]));
  const ended = await Promise.allSettled(pairs.map(([speak, listen]) => run(speak, listen, running)));
  $("cancel").hidden = true;
  $("run").disabled = false;
  const [good, bad] = [ended.filter((one) => one.status === "fulfilled"), ended.filter((one) => one.status === "rejected")];
  if (bad.length) {
    problem.textContent = bad.map((one) => one.reason.message || word("unreachable")).join(" · ");
    problem.hidden = false;
  } else if (good.length === 1) {
    location.assign(`/jobs/${good[0].value}`);
    return;
  }
  if (good.length > 1) {
    $("ended").querySelector("a").href = `/lab/compare?${new URLSearchParams(good.slice(0, 2).map((one) => ["run", one.value]))}`;
    $("ended").hidden = false;
  }
}

/** Two runs are compared, no more. */
function limit() {
  const boxes = [...$("runs").querySelectorAll('input[name="run"]')];
  const full = boxes.filter((box) => box.checked).length;
  boxes.forEach((box) => { box.disabled = !box.checked && full >= 2; });
  $("runs").querySelector("button").disabled = full !== 2;
}

$("lab").addEventListener("input", changed);
$("lab").addEventListener("submit", (event) => { event.preventDefault(); runAll(); });
changed();
if ($("runs")) {
  $("runs").addEventListener("change", limit);
  limit();
}
