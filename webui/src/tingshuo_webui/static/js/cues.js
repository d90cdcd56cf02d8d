// The cues of a transcript as they are corrected, with undo. A cue: { id, start, end, text, removed }.

export class Cues {
  /** `onChange(before)` is called after every change with the cues as they were. */
  constructor(cues, onChange) {
    this.all = cues;
    this.past = [];
    this.future = [];
    this.onChange = onChange;
  }

  /** Change fields of the cue at `index`; nothing happens where nothing would change. */
  change(index, fields) {
    const cue = this.all[index];
    if (Object.entries(fields).every(([name, value]) => cue[name] === value)) return;
    this.replace(this.all.with(index, { ...cue, ...fields }));
  }

  /** Take over all cues at once; can be undone. */
  replace(cues) {
    this.past.push(this.all);
    this.future = [];
    this.#show(cues);
  }

  undo() { this.#step(this.past, this.future); }
  redo() { this.#step(this.future, this.past); }

  /** What the API takes: the cues that are left, in their order in time. */
  get lines() {
    return this.all
      .filter((cue) => !cue.removed)
      .map(({ id, start, end, text }) => ({ id, start, end, text }))
      .sort((one, other) => one.start - other.start || one.id - other.id);
  }

  #step(from, to) {
    if (!from.length) return;
    to.push(this.all);
    this.#show(from.pop());
  }

  #show(cues) {
    const before = this.all;
    this.all = cues;
    this.onChange(before);
  }
}
