// Calls to the service. Answers with an error become an Error whose message is the service's own line.

let key = sessionStorage.getItem("key") || "";

/** Ask the visitor for the API key; resolves when one was given. */
function askKey() {
  const dialog = document.getElementById("key-dialog");
  const field = document.getElementById("key");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      key = field.value;
      sessionStorage.setItem("key", key);
      field.value = "";
      resolve();
    }, { once: true });
    if (!dialog.open) dialog.showModal();
  });
}

export const currentKey = () => key;

const headers = () => (key ? { "X-API-Key": key } : {});

async function problem(status, text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return `the service answered with status ${status}`;
  }
}

/** A request; asks for the key, and tries again, if the service wants one. */
export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: headers() });
  } catch {
    throw new Error("The service does not answer. Is it still running?");
  }
  if (answer.status === 401) {
    await askKey();
    return request(path, options);
  }
  if (!answer.ok) {
    const error = new Error(await problem(answer.status, await answer.text()));
    error.status = answer.status;
    throw error;
  }
  return answer;
}

export const json = async (path) => (await request(path)).json();

/** A picture of the service as an address for <img>; it holds the picture itself. */
export async function picture(path) {
  return URL.createObjectURL(await (await request(path)).blob());
}

/** Send a file and begin a job. XMLHttpRequest, because fetch tells no progress of an upload. */
export function begin(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file, file.name || "pasted picture");
    const call = new XMLHttpRequest();
    call.open("POST", "/v1/jobs");
    for (const [name, value] of Object.entries(headers())) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    call.onload = async () => {
      if (call.status === 202) {
        resolve(JSON.parse(call.responseText));
      } else if (call.status === 401) {
        await askKey();
        begin(file, onProgress, signal).then(resolve, reject);
      } else {
        const error = new Error(await problem(call.status, call.responseText));
        error.status = call.status;
        error.retryAfter = Number(call.getResponseHeader("Retry-After")) || 0;
        reject(error);
      }
    };
    call.onerror = () => reject(new Error("The file could not be sent. It may be too large, or the service has stopped."));
    call.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", () => call.abort());
    call.send(form);
  });
}
