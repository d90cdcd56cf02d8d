// A job that has not ended: its progress, and the page anew when it has.
import { finished } from "./gate.js";
import { note } from "./page.js";

const watched = document.querySelector("[data-watch]");
if (watched) {
  const bar = watched.querySelector("progress");
  finished(watched.dataset.watch, (job) => { bar.value = job.progress ?? 0; })
    .then(() => location.reload())
    .catch((error) => note(error.message, { bad: true }));
}
