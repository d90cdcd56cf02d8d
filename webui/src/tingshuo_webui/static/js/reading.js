// How the front end reads the text: words with pinyin and pauses, and one-click corrections kept in the lexicon.
import { element } from "./element.js";
import { call, get, post } from "./gate.js";
import { note } from "./page.js";
import { word } from "./words.js";

const $ = (id) => document.getElementById(id);
const box = $("frontend");
const mayCorrect = box?.dataset.mayCorrect === "yes";
const entry = (written) => `lexicon/${encodeURIComponent(written)}`;

/** Show how `text` is read by the voice `voice`; throws what the API says where it cannot be. */
export async function read(text, voice) {
  $("reading").setAttribute("aria-busy", "true");
  const again = () => read(text, voice).catch((error) => note(error.message, { bad: true }));
  try {
    const found = await post("frontend", { text, voice });
    $("normalized").textContent = found.normalized;
    $("reading").replaceChildren(...found.sentences.flatMap((sentence) => sentence.words.flatMap((item) => spelled(item, again))));
    await corrections(text, again);
  } finally {
    $("reading").removeAttribute("aria-busy");
  }
}

function spelled(item, again) {
  const button = element("button", { type: "button", disabled: !mayCorrect },
    element("span", { className: "pinyin" }, item.pinyin), item.text);
  button.addEventListener("click", () => correct(item, again));
  return item.break ? [button, element("span", { className: "break" }, `#${item.break}`)] : [button];
}

/** The entries of the lexicon that this text has, each with a button that removes it. */
async function corrections(text, again) {
  const entries = (await get("lexicon")).data.filter((found) => text.includes(found.word));
  $("corrections").hidden = !entries.length;
  $("corrections").querySelector("ul").replaceChildren(...entries.map((found) => {
    const line = element("li", {}, element("strong", {}, found.word), ` ${found.reading} `);
    if (mayCorrect) {
      const remove = element("button", { type: "button", className: "quiet small" }, word("remove"));
      remove.setAttribute("aria-label", `${word("remove")}: ${found.word}`);
      remove.addEventListener("click", async () => {
        try {
          await call("DELETE", entry(found.word));
          await again();
        } catch (error) {
          note(error.message, { bad: true });
        }
      });
      line.append(remove);
    }
    return line;
  }));
}

function correct(item, again) {
  const dialog = $("lexicon");
  const problem = dialog.querySelector(".problem");
  $("asked").textContent = word("reading_of", { word: item.text });
  $("new-reading").value = item.pinyin;
  problem.hidden = true;
  dialog.querySelector("form").onsubmit = async (event) => {
    if (event.submitter?.value !== "save") return;
    event.preventDefault();
    try {
      await call("PUT", entry(item.text), { json: { reading: $("new-reading").value.trim() } });
      dialog.close();
      note(word("saved"));
      await again();
    } catch (error) {
      Object.assign(problem, { textContent: error.message, hidden: false });
    }
  };
  dialog.showModal();
}
