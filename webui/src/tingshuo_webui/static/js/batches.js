// Batches that have not ended: their progress and counts as they go on.
import { get } from "./gate.js";

const PERIOD_MS = 1500;

/** Look at the batch of `row` until it has ended; a look that fails is made again. */
async function follow(row) {
  let batch = { progress: 0 };
  while (batch.progress < 1) {
    await new Promise((wake) => setTimeout(wake, PERIOD_MS));
    try {
      batch = await get(`batches/${row.dataset.batch}`);
    } catch (error) {
      if (error.status) return; // told plainly: gone, or signed out
      continue;
    }
    row.querySelector("progress").value = batch.progress;
    for (const cell of row.querySelectorAll("[data-count]")) cell.textContent = batch.counts[cell.dataset.count];
  }
  row.querySelector("form")?.remove();
  delete row.dataset.batch;
}

for (const row of document.querySelectorAll("[data-batch]")) follow(row);
