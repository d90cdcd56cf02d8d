// The form that changes the times of one cue or removes it; there is one, which moves to the row that is edited.
import { note } from "./page.js";
import { clock, parsed, word } from "./words.js";

export class Editor {
  constructor(form, cues) {
    Object.assign(this, { form, cues, index: -1, opener: null });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply();
    });
    form.querySelector("[data-remove]").addEventListener("click", () => this.#remove());
    form.querySelector("[data-close]").addEventListener("click", () => this.close());
    form.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  /** Edit the cue at `index` in its `row`; a second click on `opener` closes. */
  open(index, row, opener) {
    const again = this.opener === opener;
    this.close();
    if (again) return;
    Object.assign(this, { index, opener });
    const { start, end } = this.cues.all[index];
    const { elements } = this.form;
    [elements.start.value, elements.end.value] = [clock(start), clock(end)];
    row.append(this.form);
    this.form.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    elements.start.focus();
  }

  close() {
    this.form.hidden = true;
    this.opener?.setAttribute("aria-expanded", "false");
    this.opener?.focus();
    this.opener = null;
  }

  #apply() {
    const { elements } = this.form;
    const [start, end] = [parsed(elements.start.value), parsed(elements.end.value)];
    if (!(start >= 0 && end > start)) {
      note(word("times_wrong"), { bad: true });
      return;
    }
    this.cues.change(this.index, { start, end });
    this.close();
  }

  #remove() {
    if (this.cues.lines.length < 2) {
      note(word("last_segment"), { bad: true });
      return;
    }
    this.close();
    this.cues.change(this.index, { removed: true });
  }
}
