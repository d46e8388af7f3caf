// The page: takes files, follows their jobs, and lists what was judged.

import { start as startCamera } from "./camera.js";
import { note, show } from "./result.js";
import { begin, json, picture, request } from "./server.js";
import { chip, el, SIGNS } from "./words.js";

const at = (id) => document.getElementById(id);
const LOCAL = ["localhost", "127.0.0.1", "[::1]"];
const REMEMBERED = "jobs";

/** Files, newest first. State: queued, sending, working, done, failed. */
let entries = [];
let viewed = null;
let working = false;
let stopCamera = null;
let previewed = null;
let model = null;

function complain(text) {
  at("message").textContent = text;
  at("message").hidden = !text;
}

async function greet() {
  const local = LOCAL.includes(location.hostname);
  at("where").textContent = local ? "Your files stay on this computer." : `Your files are sent to ${location.hostname} and removed after the verdict.`;
  model = await json("/v1/model");
  const { bytes, seconds } = model.limits;
  at("limits").textContent = `${model.photos ? "Photos, and videos" : "Videos"} of up to ${Math.round(seconds / 60)} minutes and ${Math.round(bytes / 1e6).toLocaleString("en")} MB.`;
  if (model.note) at("about-note").replaceWith(note(model));
  if (model.skill) at("about-skill").textContent = `What the detector “${model.name}” can do was measured ${model.skill}. An AUC of 0.5 is guessing, 1 is perfect.`;
  if (model.unfit) complain("This detector gives no verdicts; every file will say why.");
  at("camera-open").hidden = !model.photos;
  for (const place of document.querySelectorAll("[data-level]")) place.replaceChildren(chip(place.dataset.level, model.words));
  await recall();
}

/** Bring back the results of this tab after a reload, as far as the service still has them. */
async function recall() {
  const ids = JSON.parse(sessionStorage.getItem(REMEMBERED) || "[]");
  const found = await Promise.allSettled(ids.map((id) => json(`/v1/jobs/${encodeURIComponent(id)}`)));
  for (const each of found) {
    if (each.status === "fulfilled" && each.value.verdict) {
      const entry = { name: each.value.file, state: "done", job: each.value, thumb: "" };
      entries.push(entry);
      thumbnail(entry);
    }
  }
  remember();
  draw();
}

function remember() {
  const ids = entries.filter((entry) => entry.state === "done").map((entry) => entry.job.id);
  sessionStorage.setItem(REMEMBERED, JSON.stringify(ids));
}

async function thumbnail(entry) {
  if (!entry.job?.stills.length) return;
  const frame = entry.job.stills[0];
  entry.thumb = await picture(`/v1/jobs/${entry.job.id}/frames/${frame}`).catch(() => "");
  draw();
}

function take(files) {
  complain("");
  const limit = model?.limits.bytes ?? Infinity;
  const large = files.filter((file) => file.size > limit);
  if (large.length) complain(`Too large: ${large.map((file) => file.name).join(", ")}. At most ${Math.round(limit / 1e6)} MB are taken.`);
  const added = files.filter((file) => file.size <= limit).map((file) => ({ name: file.name || "pasted picture", file, state: "queued", thumb: "" }));
  if (!added.length) return;
  stopCamera?.();
  entries = [...added, ...entries];
  view(added[0]);
  work();
}

/** Work on the queued files, one after another. */
async function work() {
  if (working) return;
  working = true;
  for (let entry = nextQueued(); entry; entry = nextQueued()) {
    try {
      await judge(entry);
      entry.state = "done";
    } catch (error) {
      if (error.name === "AbortError" || entry.state === "cancelled") {
        entries = entries.filter((each) => each !== entry);
        if (viewed === entry) view(null);
      } else {
        entry.state = "failed";
        entry.error = error.message;
      }
    }
    entry.file = null;
    remember();
    thumbnail(entry);
    if (viewed === entry) view(entry, true);
    draw();
  }
  working = false;
}

const nextQueued = () => entries.filter((entry) => entry.state === "queued").at(0);

async function judge(entry) {
  const control = new AbortController();
  entry.cancel = () => {
    entry.state = "cancelled";
    control.abort();
    if (entry.job) request(`/v1/jobs/${entry.job.id}`, { method: "DELETE" }).catch(() => {});
  };
  entry.job = await sent(entry, control.signal);
  for (let wait = 250; entry.state !== "cancelled"; wait = Math.min(1000, wait * 1.2)) {
    if (entry.job.state === "done") return;
    if (entry.job.state === "failed") throw new Error(entry.job.error);
    entry.state = "working";
    step(entry);
    await pause(wait);
    if (entry.state === "cancelled") break;
    entry.job = await json(`/v1/jobs/${entry.job.id}`);
  }
  throw new DOMException("cancelled", "AbortError");
}

/** Send the file; where the queue is full, wait as long as the service says. */
async function sent(entry, signal) {
  for (;;) {
    entry.state = "sending";
    try {
      return await begin(entry.file, (share) => { entry.share = share; step(entry); }, signal);
    } catch (error) {
      if (error.status !== 429) throw error;
      for (let left = Math.min(error.retryAfter || 5, 30); left > 0; left -= 1) {
        entry.wait = left;
        step(entry);
        await pause(1000);
        if (signal.aborted) throw new DOMException("cancelled", "AbortError");
      }
      entry.wait = 0;
    }
  }
}

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** How far an entry is: words, and a share of 1 or null if it is not known. */
function progress(entry) {
  const { job } = entry;
  if (entry.state === "queued") return ["Waiting for the file before it", null];
  if (entry.wait) return [`The service is busy. Trying again in ${entry.wait} s`, null];
  if (entry.state === "sending") return [`Sending the file: ${Math.round(100 * (entry.share || 0))} %`, entry.share || 0];
  if (!job || job.state === "waiting") return [job?.ahead ? `Waiting: ${job.ahead} before it` : "Opening the file", null];
  if (job.state === "looking") return [`Looking for faces: frame ${job.done} of ${job.total}`, job.done / job.total];
  return ["Comparing the faces with what the detector has learned", 1];
}

function step(entry) {
  draw();
  if (viewed !== entry) return;
  const [text, share] = progress(entry);
  if (at("working-step").textContent !== text) at("working-step").textContent = text;
  const bar = at("bar");
  bar.classList.toggle("endless", share === null);
  bar.firstElementChild.style.width = share === null ? "" : `${100 * share}%`;
  if (share === null) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
}

/** Show an entry, or the empty page. */
function view(entry, moveFocus = false) {
  viewed = entry;
  const busy = entry && !["done", "failed"].includes(entry.state);
  at("intake").classList.toggle("small", Boolean(entry) || Boolean(stopCamera));
  at("about").hidden = Boolean(entry) || Boolean(stopCamera);
  at("working").hidden = !busy;
  at("result").hidden = true;
  if (busy) {
    at("working-name").textContent = entry.name;
    preview(entry);
    step(entry);
  } else if (entry?.state === "failed") {
    complain(`${entry.name}: ${entry.error}`);
    at("about").hidden = false;
  } else if (entry) {
    complain("");
    show(at("result"), entry, model);
    if (moveFocus) at("result").querySelector(".sentence").focus({ preventScroll: false });
  }
  draw();
}

/** The picture that the visitor gave, before the service has looked at it. */
function preview(entry) {
  const into = at("preview");
  if (previewed?.entry === entry) return;
  if (previewed) URL.revokeObjectURL(previewed.address);
  previewed = null;
  const kind = entry.file?.type.split("/")[0];
  const tag = { image: "img", video: "video" }[kind];
  if (!tag) {
    into.replaceChildren("No preview");
    return;
  }
  previewed = { entry, address: URL.createObjectURL(entry.file) };
  const shown = el(tag, { src: previewed.address, alt: "", muted: true, "aria-hidden": "true" });
  shown.onerror = () => into.replaceChildren("No preview");
  into.replaceChildren(shown);
}

/** The list of what was judged. */
function draw() {
  at("judged-none").hidden = entries.length > 0;
  at("forget").hidden = !entries.some((entry) => ["done", "failed"].includes(entry.state));
  const focused = document.activeElement?.dataset.place;
  at("judged").replaceChildren(...entries.map((entry, place) => {
    const level = entry.job?.verdict?.level;
    const done = entry.state === "done";
    const told = done ? (level ? `${SIGNS[level]} ${model.words[level]}` : "– no verdict") : entry.state === "failed" ? "not judged" : progress(entry)[0];
    const thumb = entry.thumb ? el("img", { className: "thumb", src: entry.thumb, alt: "" }) : el("span", { className: "thumb" });
    const button = el("button", { type: "button", "aria-current": viewed === entry ? "true" : undefined, onclick: () => { stopCamera?.(); view(entry, true); } },
      thumb, el("span", { className: "text" }, el("b", {}, entry.name), el("span", { className: done ? level || "" : "" }, told)));
    button.dataset.place = place;
    return el("li", {}, button);
  }));
  if (focused !== undefined) at("judged").querySelector(`[data-place="${focused}"]`)?.focus();
}

async function forget() {
  const gone = entries.filter((entry) => ["done", "failed"].includes(entry.state));
  entries = entries.filter((entry) => !gone.includes(entry));
  for (const entry of gone) if (entry.job) request(`/v1/jobs/${entry.job.id}`, { method: "DELETE" }).catch(() => {});
  if (gone.includes(viewed)) view(null);
  remember();
  complain("");
  draw();
  at("choose").focus();
}

async function openCamera() {
  complain("");
  if (!navigator.mediaDevices?.getUserMedia) {
    complain("Browsers give a webcam only to pages of this computer or with HTTPS.");
    return;
  }
  stopCamera = () => {};
  view(null);
  at("camera").hidden = false;
  at("camera-note").hidden = !model.note;
  at("camera-note").replaceChildren(el("strong", {}, "What this detector cannot judge"), model.note);
  try {
    const stop = await startCamera(model, (why) => { if (why) complain(why); closeCamera(); });
    stopCamera = stop;
    at("camera-close").focus();
  } catch (error) {
    complain(error.name === "NotAllowedError" ? "The webcam may not be used: allow it in the browser's settings of this page." : `There is no webcam: ${error.message}`);
    closeCamera();
  }
}

function closeCamera() {
  stopCamera = null;
  at("camera").hidden = true;
  view(viewed);
}

at("choose").addEventListener("click", () => at("files").click());
at("files").addEventListener("change", (event) => {
  take([...event.target.files]);
  event.target.value = "";
});
at("cancel").addEventListener("click", () => {
  if (viewed?.cancel) viewed.cancel();
  else if (viewed?.state === "queued") {
    entries = entries.filter((each) => each !== viewed);
    view(null);
  }
});
at("forget").addEventListener("click", forget);
at("camera-open").addEventListener("click", openCamera);
at("camera-close").addEventListener("click", () => stopCamera?.());
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (files.length) take(files);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dragging"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const files = [...event.dataTransfer.files];
  if (files.length) take(files);
});

greet().catch((error) => complain(error.message));
