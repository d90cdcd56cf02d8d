// Which of two takes was preferred: kept in this browser until it is signed out.
import { element } from "./element.js";
import { save, table } from "./exports.js";

const KEPT = "tingshuo.preferred";
const MOST = 200;

function votes() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
}

/** Keep a vote; another one on the same two takes takes its place. */
export function keep(vote) {
  const same = (kept) => kept.text === vote.text && kept.a === vote.a && kept.b === vote.b;
  localStorage.setItem(KEPT, JSON.stringify([vote, ...votes().filter((kept) => !same(kept))].slice(0, MOST)));
}

/** Show the votes below `box`. */
export function showVotes(box) {
  const all = votes();
  const list = box.querySelector("#votes");
  const count = (better) => all.filter((vote) => vote.better === better).length;
  list.hidden = !all.length;
  list.querySelector("#tally").textContent = `A ${count("A")} · = ${count("=")} · B ${count("B")}`;
  list.querySelector("tbody").replaceChildren(...all.map((vote) => element("tr", {},
    ...[vote.text, vote.a, vote.b, vote.better].map((shown) => element("td", {}, shown)))));
  list.querySelector("#votes-csv").onclick = () => {
    save("preferred.csv", table([["text", "a", "b", "better"], ...all.map((vote) => [vote.text, vote.a, vote.b, vote.better])]));
  };
  list.querySelector("#votes-clear").onclick = () => {
    localStorage.removeItem(KEPT);
    showVotes(box);
  };
}
