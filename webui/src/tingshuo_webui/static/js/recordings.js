// Recordings that this browser sent, so that their pages can play them: the server need not keep any audio.

const STORE = "recordings";
const MOST_BYTES = 500 * 2 ** 20;

function open() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open("tingshuo", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

async function within(mode, work) {
  const database = await open();
  try {
    return await new Promise((done, failed) => {
      const transaction = database.transaction(STORE, mode);
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => done(asked.result);
      transaction.onerror = transaction.onabort = () => failed(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** Keep the recording of a job, and drop the oldest ones beyond the space we take. */
export async function keep(id, blob) {
  if (blob.size > MOST_BYTES) return;
  await within("readwrite", (store) => store.put({ id, blob, at: Date.now() }));
  const all = (await within("readonly", (store) => store.getAll())).sort((a, b) => b.at - a.at);
  let bytes = 0;
  for (const kept of all) {
    bytes += kept.blob.size;
    if (bytes > MOST_BYTES) await within("readwrite", (store) => store.delete(kept.id));
  }
}

/** The recording of a job, if this browser has it. */
export async function recall(id) {
  return (await within("readonly", (store) => store.get(id)))?.blob ?? null;
}

export const forgetAll = () => within("readwrite", (store) => store.clear());
