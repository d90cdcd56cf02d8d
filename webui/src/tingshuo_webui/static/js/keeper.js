// Keeps the corrections of a transcript: at once in this browser, soon after on the server.
import { call } from "./gate.js";

const PAUSE = 800;
const RETRY = 5000;

export class Keeper {
  /**
   * `revision`: of the transcript that is being corrected. `lines()`: what to save.
   * `onState(name, detail)`: "saved", "waiting", "saving", "failed" (with the error) or "conflict".
   */
  constructor(job, revision, lines, onState) {
    Object.assign(this, { job, revision, lines, onState, timer: 0, dirty: false, work: null });
    this.key = `transcript ${job}`;
    addEventListener("online", () => this.dirty && this.save());
    document.addEventListener("visibilitychange", () => document.hidden && this.dirty && this.save());
  }

  /** What this browser kept that the server does not have yet: { revision, lines }, or null. */
  get left() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  /** Something has changed. */
  changed() {
    this.dirty = true;
    try {
      localStorage.setItem(this.key, JSON.stringify({ revision: this.revision, lines: this.lines() }));
    } catch { /* the browser keeps nothing, or no more: the server will */ }
    this.onState("waiting");
    this.#later(PAUSE);
  }

  /** Save now; true once the server has everything. */
  async save() {
    clearTimeout(this.timer);
    // One at a time: each revision follows the one before.
    while (this.work) await this.work;
    if (!this.dirty) return true;
    this.work = this.#save();
    const saved = await this.work;
    this.work = null;
    return saved && (this.dirty ? this.save() : true);
  }

  /** Overwrite what somebody else has saved meanwhile. */
  async insist() {
    const reply = await call("GET", `jobs/${this.job}/transcript`);
    this.revision = (await reply.json()).revision;
    this.dirty = true;
    return this.save();
  }

  /** Throw away what is not saved. */
  forget() {
    this.dirty = false;
    clearTimeout(this.timer);
    localStorage.removeItem(this.key);
  }

  async #save() {
    this.dirty = false;
    this.onState("saving");
    try {
      const reply = await call("PUT", `jobs/${this.job}/transcript`, {
        json: { segments: this.lines() },
        more: { "If-Match": `"${this.revision}"` },
      });
      this.revision = (await reply.json()).revision;
    } catch (error) {
      this.dirty = true;
      this.onState(error.status === 412 ? "conflict" : "failed", error);
      // What the server refused it will refuse again; a server that did not answer may.
      if (!error.status || error.status >= 500) this.#later(RETRY);
      return false;
    }
    if (!this.dirty) {
      localStorage.removeItem(this.key);
      this.onState("saved");
    }
    return true;
  }

  #later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }
}
