// What every page has: short notes in the corner, and a sign-out that leaves no recording behind.
import { get } from "./gate.js";
import { forgetAll } from "./recordings.js";

// What the browser keeps (recordings, votes, corrections not saved yet) is that of whoever signed in last.
const OWNER = "tingshuo.account";
const who = document.querySelector("[data-account]").dataset.account;
const before = localStorage.getItem(OWNER);
if (before !== null && before !== who) {
  localStorage.clear();
  await forgetAll().catch(() => {});
}
localStorage.setItem(OWNER, who);

// A page that the browser had put by, or that stands open in another tab, may be of somebody who has left.
addEventListener("pageshow", async ({ persisted }) => {
  if (persisted && (await get("me").catch(({ status }) => status ? {} : { id: who })).id !== who) location.reload();
});
addEventListener("storage", ({ key, newValue }) => {
  if (key === OWNER && newValue && newValue !== who) location.reload();
});

const shelf = document.getElementById("notes");

/** Show `text` for a while; a problem stays longer. */
export function note(text, { bad = false } = {}) {
  const line = document.createElement("p");
  line.textContent = text;
  line.classList.toggle("bad", bad);
  shelf.append(line);
  setTimeout(() => line.remove(), bad ? 10000 : 4000);
}

document.querySelector("[data-sign-out]")?.addEventListener("submit", async (event) => {
  const form = event.currentTarget;
  event.preventDefault();
  await forgetAll().catch(() => {});
  localStorage.clear();
  form.submit();
});
