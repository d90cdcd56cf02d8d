// The API under the session of this page: /api/v1/… with the form token. Errors carry the API's own message.

const token = document.querySelector('meta[name="csrf-token"]').content;

export class ApiError extends Error {
  constructor(status, message, code = null, retryAfter = 0) {
    super(message);
    Object.assign(this, { status, code, retryAfter });
  }
}

export const path = (name) => `/api/v1/${name}`;
export const headers = (more = {}) => ({ "X-CSRFToken": token, ...more });

/** The error that a reply stands for. */
export function refusal(status, text, retryAfter = 0) {
  try {
    const { message, code } = JSON.parse(text).error;
    return new ApiError(status, message, code, retryAfter);
  } catch {
    return new ApiError(status, text.length < 200 && text ? text : `status ${status}`, null, retryAfter);
  }
}

/** The reply to a request, or an ApiError; `signal` ends it, `more` are headers. */
export async function call(method, name, { json, body, signal, more = {} } = {}) {
  const sent = json === undefined ? { body } : { body: JSON.stringify(json) };
  const type = json === undefined ? {} : { "Content-Type": "application/json" };
  const reply = await fetch(path(name), { method, signal, ...sent, headers: headers({ ...type, ...more }) });
  if (!reply.ok) throw refusal(reply.status, await reply.text(), Number(reply.headers.get("Retry-After")) || 0);
  return reply;
}

export const get = async (name, options) => (await call("GET", name, options)).json();
export const post = async (name, json, options) => (await call("POST", name, { json, ...options })).json();

/** The job once it has ended; `onChange` is told of every state in between. */
export async function finished(id, onChange = () => {}, signal) {
  let pause = 300;
  for (;;) {
    const job = await get(`jobs/${id}`, { signal });
    onChange(job);
    if (!["queued", "running"].includes(job.status)) return job;
    await new Promise((wake, stop) => {
      const timer = setTimeout(wake, pause);
      signal?.addEventListener("abort", () => { clearTimeout(timer); stop(signal.reason); }, { once: true });
    });
    pause = Math.min(2000, pause * 1.3);
  }
}
