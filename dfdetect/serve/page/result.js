// The result of a file: verdict, frames with boxes, timeline, people, heat map, downloads.

import { json, picture, request } from "./server.js";
import { chip, clock, el, plural, score, sentence, SIGNS, tips } from "./words.js";

/** Show an entry that is done. */
export function show(into, entry, model) {
  const { job } = entry;
  const verdict = job.verdict;
  const cuts = verdict.level ? verdict.record.cuts : null;
  const parts = [
    sentence(verdict.level, verdict.sentence, "sentence"),
    el("p", { className: "name" }, job.file),
    verdict.level && verdict.detail ? el("p", { className: "why" }, `Beside this: ${verdict.detail}.`) : null,
    ...(verdict.level ? [] : silence(verdict, model)),
    note(model),
  ];
  const view = job.stills.length ? viewer(entry, model, cuts) : null;
  if (view) parts.push(view);
  if (verdict.people.length) parts.push(...people(verdict, cuts, model));
  parts.push(actions(entry), alarms(entry), meaning(verdict, model), origin(verdict.provenance), facts(verdict, cuts));
  into.replaceChildren(...parts.filter(Boolean));
  into.hidden = false;
}

function silence(verdict, model) {
  const told = tips(verdict.reason, model);
  return [
    verdict.detail && !told.length ? el("p", { className: "why" }, `In detail: ${verdict.detail}.`) : null,
    told.length ? el("h3", {}, "What you can try") : null,
    told.length ? el("ul", { className: "tips" }, ...told.map((each) => el("li", {}, each))) : null,
  ];
}

export function note(model) {
  if (!model.note) return null;
  return el("p", { className: "note", role: "note" }, el("strong", {}, "What this detector cannot judge"), model.note);
}

/** The frame that is shown, with its boxes, and the timeline that chooses it. */
function viewer(entry, model, cuts) {
  const { job } = entry;
  const verdict = job.verdict;
  const image = el("img", { alt: "" });
  const boxes = el("div", { className: "boxes" });
  const caption = el("p", { className: "caption soft", role: "status" });
  const heat = el("div", { className: "heat" });
  const moments = verdict.timeline ? verdict.timeline.moments.filter((each) => job.stills.includes(each.frame)) : [];
  const line = moments.length > 1 ? timeline(verdict, moments, cuts, (place) => choose(place)) : null;
  const back = el("button", { type: "button", className: "quiet", onclick: () => line.step(-1) }, "‹ Frame before");
  const on = el("button", { type: "button", className: "quiet", onclick: () => line.step(1) }, "Next frame ›");
  let shown = -1;

  async function choose(place) {
    const moment = moments[place] || { frame: job.stills[0], time: 0 };
    shown = moment.frame;
    const faces = facesOf(verdict, moment.frame);
    const found = faces.length ? plural(faces.length, "face") : "no face found";
    caption.textContent = verdict.kind === "video" ? `${clock(moment.time)}, frame ${moment.frame.toLocaleString("en")}: ${found}` : `The photo: ${found}`;
    try {
      entry.pictures ||= {};
      entry.pictures[moment.frame] ||= await picture(`/v1/jobs/${job.id}/frames/${moment.frame}`);
    } catch (error) {
      caption.textContent = `This frame cannot be shown: ${error.message}`;
      return;
    }
    if (shown !== moment.frame) return;
    image.src = entry.pictures[moment.frame];
    await image.decode().catch(() => {});
    if (shown !== moment.frame) return;
    image.alt = `${verdict.kind === "video" ? `Frame at ${clock(moment.time)}` : "The photo"}: ${found}`;
    boxes.replaceChildren(...faces.map((face) => box(face, verdict, cuts, () => pick(face))));
    pick(faces.toSorted((one, other) => other.score - one.score)[0]);
  }

  function pick(face) {
    for (const each of boxes.children) each.setAttribute("aria-pressed", String(each.dataset.face === String(face?.index)));
    showFace(heat, image, entry, face, model, cuts);
  }

  const first = moments.findIndex((each) => each.frame === telling(verdict));
  if (line) line.select(Math.max(0, first), false);
  choose(Math.max(0, first));
  return el("div", {},
    el("div", { className: "stage" }, image, boxes), caption,
    line ? el("div", { className: "steps" }, back, on) : null,
    ...(line ? [el("h3", {}, "Timeline"), line, ...axis(moments, verdict)] : []), heat);
}

/** The frame that tells most, to show first. */
function telling(verdict) {
  const place = verdict.timeline?.telling[0];
  if (place !== undefined) return verdict.faces[place].frame;
  return verdict.clips.toSorted((one, other) => other.score - one.score)[0]?.frames[0];
}

/** The faces of a frame; those of a model that takes clips have no score of their own. */
function facesOf(verdict, frame) {
  const own = verdict.faces.filter((face) => face.frame === frame);
  const clips = verdict.clips.flatMap((clip) => {
    const place = clip.frames.indexOf(frame);
    return place < 0 ? [] : [{ box: clip.boxes[place], person: clip.person, score: clip.score, frame, counts: true, level: verdict.people.find((each) => each.person === clip.person)?.level }];
  });
  return [...own, ...clips];
}

/** The class of a box: its level, and on which side its label has room. */
export function boxClass(face, { width, height }) {
  const { top, left, right } = face.box;
  return `${face.level || "none"}${top < 0.08 * height ? " low" : ""}${left + right > width ? " right" : ""}`;
}

function box(face, verdict, cuts, onPick) {
  const part = (value, whole) => `${(100 * value) / whole}%`;
  const { top, right, bottom, left } = face.box;
  const who = verdict.kind === "video" ? `Person ${face.person}` : `Face ${face.index + 1}`;
  const told = `${SIGNS[face.level || "none"]} ${who}${verdict.kind === "video" ? ", here" : ""}: ${score(face.score, cuts)}`;
  const made = el("button", {
    type: "button", className: `box ${boxClass(face, verdict)}`, "aria-pressed": "false",
    "aria-label": `${who}, score ${score(face.score, cuts)} of 0 to 1${face.counts ? "" : ", has no part in the verdict"}`, onclick: onPick,
    style: { left: part(left, verdict.width), top: part(top, verdict.height), width: part(right - left, verdict.width), height: part(bottom - top, verdict.height) },
  }, el("b", { "aria-hidden": "true" }, told));
  made.dataset.face = face.index;
  return made;
}

/** The scores over time. Arrow keys move; the chosen frame is shown above. */
function timeline(verdict, moments, cuts, onChoose) {
  const end = Math.max(moments.at(-1).time, 1e-9);
  const percent = (value) => `${100 * value}%`;
  const options = moments.map((moment, place) => {
    const level = moment.score === null ? "empty" : levelOf(moment.score, cuts);
    const told = moment.score === null ? (facesOf(verdict, moment.frame).length ? "a face" : "no face") : `score ${score(moment.score, cuts)}`;
    const dot = el("i", { style: { bottom: percent(moment.score ?? 0) } });
    return el("button", {
      type: "button", role: "option", className: `moment ${level}`, "aria-selected": "false", tabIndex: -1,
      "aria-label": `${clock(moment.time)}, ${told}`, title: `${clock(moment.time)}, ${told}`,
      style: { left: percent(moment.time / end) }, onclick: () => made.select(place),
    }, dot);
  });
  const bands = cuts ? [
    el("span", { className: "band substantial", style: { bottom: percent(cuts.upper), height: percent(1 - cuts.upper) } }),
    el("span", { className: "band uncertain", style: { bottom: percent(cuts.lower), height: percent(cuts.upper - cuts.lower) } }),
    el("span", { className: "band little", style: { bottom: "0", height: percent(cuts.lower) } }),
  ] : [];
  const ticks = [0, 0.5, 1].map((value) => el("span", { className: "tick", "aria-hidden": "true", style: { bottom: percent(value) } }, String(value)));
  const made = el("div", { className: "timeline", role: "listbox", "aria-label": "Frames looked at, by time; higher is a higher score", "aria-orientation": "horizontal" }, ...bands, ...ticks, ...options);
  let at = 0;
  made.select = (place, tell = true) => {
    at = Math.min(Math.max(place, 0), options.length - 1);
    options.forEach((each, index) => {
      each.setAttribute("aria-selected", String(index === at));
      each.tabIndex = index === at ? 0 : -1;
    });
    if (tell) onChoose(at);
  };
  made.step = (by) => made.select(at + by);
  made.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: options.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    made.select(to);
    options[at].focus();
  });
  return made;
}

function levelOf(value, cuts) {
  if (!cuts) return "none";
  if (value >= cuts.upper) return "substantial";
  return value < cuts.lower ? "little" : "uncertain";
}

/** How far apart the frames looked at lie on average, in seconds; null of a single one. */
function pace({ timeline }) {
  const count = timeline?.moments.length ?? 0;
  return count > 1 ? (timeline.moments.at(-1).time - timeline.moments[0].time) / (count - 1) : null;
}

function axis(moments, verdict) {
  const between = pace(verdict);
  const apart = between ? `, one frame every ${Number(between.toPrecision(3))} s` : "";
  return [
    el("p", { className: "axis", "aria-hidden": "true" }, el("span", {}, clock(0)), el("span", {}, clock(moments.at(-1).time))),
    el("p", { className: "under soft" }, `The highest score of each frame looked at${apart}. Choose one to see it.`),
  ];
}

/** A face close up, and its heat map when somebody asks for it. */
function showFace(into, frame, entry, face, model, cuts) {
  into.replaceChildren();
  if (!face) return;
  const { verdict } = entry.job;
  const who = verdict.kind === "video" ? `person ${face.person}` : `face ${face.index + 1}`;
  const told = el("p", { className: "soft" }, `Close up: ${who}, score ${score(face.score, cuts)}${verdict.kind === "video" ? " in this frame" : ""}.`);
  const text = el("div", { className: "heat-text" }, told);
  into.append(closeUp(frame, face, verdict, who), text);
  if (!model.heat_maps || face.index === undefined) return;
  const ask = el("button", { type: "button" }, "Show where the detector looked");
  ask.onclick = async () => {
    ask.disabled = true;
    told.setAttribute("role", "status");
    told.textContent = "Computing the heat map …";
    try {
      entry.heat ||= {};
      entry.heat[face.index] ||= await heatMap(`/v1/jobs/${entry.job.id}/heat-maps/${face.index}`);
      const { src, empty } = entry.heat[face.index];
      text.before(el("img", { src, alt: `${empty ? "Empty heat map" : "Heat map"} of ${who}` }));
      told.textContent = empty ? `${empty} The score of ${who} is ${score(face.score, cuts)}.` : `Bright places raised the score of ${who} (${score(face.score, cuts)}). The map is relative to this face: there is a brightest place even where the score is low. It does not show what was changed.`;
      ask.remove();
    } catch (error) {
      ask.disabled = false;
      told.textContent = `There is no heat map: ${error.message}`;
    }
  };
  text.append(ask);
}

/** A heat map, and what the service says of one that is empty. */
async function heatMap(path) {
  const answer = await request(path);
  return { src: URL.createObjectURL(await answer.blob()), empty: answer.headers.get("Heat-Map") };
}

/** The square around a face, cut out of the frame that is shown. */
function closeUp(frame, face, verdict, who) {
  const { top, right, bottom, left } = face.box;
  const scale = frame.naturalWidth / verdict.width;
  const side = 1.3 * Math.max(right - left, bottom - top) * scale;
  const canvas = el("canvas", { width: 384, height: 384, role: "img", "aria-label": `Close up of ${who}` });
  const corner = [((left + right) * scale - side) / 2, ((top + bottom) * scale - side) / 2];
  canvas.getContext("2d").drawImage(frame, ...corner, side, side, 0, 0, 384, 384);
  return canvas;
}

function people(verdict, cuts, model) {
  const rows = verdict.people.map((each) => el("li", {},
    el("b", {}, `Person ${each.person}`), chip(each.level, model.words),
    el("span", { className: "soft" }, `score ${score(each.score, cuts)} · ${plural(each.faces, "frame")}${each.counts ? "" : " · has no part in the verdict"}`)));
  return [el("h3", {}, verdict.people.length === 1 ? "One person" : `${verdict.people.length} people`), el("ul", { className: "people" }, ...rows)];
}

function actions(entry) {
  const { job } = entry;
  const base = job.file.replace(/\.[^.]*$/, "") || "verdict";
  const report = el("button", { type: "button", className: "button primary" }, "Download the report");
  report.onclick = async () => {
    report.disabled = true;
    try {
      const stated = entry.worth ? `?prevalence=${entry.worth.prevalence}` : "";
      save(await (await request(`/v1/jobs/${job.id}/report${stated}`)).blob(), `${base} - report.html`);
    } catch (error) {
      report.after(el("p", { className: "message", role: "alert" }, error.message));
    }
    report.disabled = false;
  };
  const data = el("button", { type: "button", className: "button" }, "Data (JSON)");
  data.onclick = () => save(new Blob([JSON.stringify({ ...job.verdict, alarms: entry.worth || null }, null, 2)], { type: "application/json" }), `${base} - verdict.json`);
  return el("div", { className: "actions" }, report, data);
}

function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** How many of 100 alarms are right, for a share of fakes that the reader states; the downloads say the same. */
function alarms(entry) {
  const { verdict } = entry.job;
  if (verdict.level !== "substantial") return null;
  const field = el("input", { type: "number", min: "0.1", max: "99.9", step: "any", value: String(entry.percent ?? 10), "aria-label": "Percent of the files that are manipulated" });
  const told = el("p", { role: "status" });
  let asked = 0;
  async function tell() {
    const number = ++asked;
    entry.percent = field.value;
    entry.worth = null;
    let worth = null;
    let text = "Give a number above 0 and below 100.";
    if (field.value > 0 && field.value < 100) {
      try {
        worth = await json(`/v1/alarms?kind=${verdict.kind}&prevalence=${field.value / 100}`);
        const share = (value) => Number((100 * value).toPrecision(3));
        text = `Of 100 such alarms, about ${Math.round(worth.right)} are right (95 % interval ${Math.round(worth.low)} to ${Math.round(worth.high)}). The detector called ${share(worth.fakes_called)} % of the fakes and ${share(worth.reals_called)} % of the reals substantial, on ${worth.origin}. On other files it may raise more false alarms.`;
      } catch (error) {
        text = `This cannot be told: ${error.message}.`;
      }
    }
    if (number !== asked) return;
    entry.worth = worth;
    told.textContent = text;
  }
  field.oninput = tell;
  tell();
  return el("details", { open: true }, el("summary", {}, "How often are such alarms right?"),
    el("p", {}, "It depends on the share of manipulated files among those that you judge. If it is ", field, " %:"), told);
}

function meaning(verdict, model) {
  const lines = [...model.unsaid];
  const between = pace(verdict);
  if (between) lines.push(`Only one frame every ${Number(between.toPrecision(3))} s was looked at. What lies between was not seen.`);
  return el("details", { open: true }, el("summary", {}, "What this does not tell you"), el("ul", { className: "unsaid" }, ...lines.map((each) => el("li", {}, each))));
}

/** What the file says about where it comes from: beside the verdict, without a part in it. */
function origin(told) {
  if (!told) return null;
  const { manifest } = told;
  const rows = { "Signed by": manifest.signer, "Made with": manifest.generator, Source: manifest.sources.join(", "), ...told.tags };
  return el("details", { open: manifest.state === "invalid" || manifest.sources.length > 0 },
    el("summary", {}, "Where the file comes from, as it says itself"),
    el("p", {}, manifest.told), ...told.hints.map((hint) => el("p", {}, hint)),
    el("dl", {}, ...pairs(rows)),
    el("p", { className: "soft" }, `${told.caution} It has no part in the verdict.`));
}

const pairs = (rows) => Object.entries(rows).filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);

function facts(verdict, cuts) {
  const { record } = verdict;
  const rows = {
    Detail: verdict.detail,
    Score: verdict.score === null ? "" : `${score(verdict.score, cuts)} on a scale from 0 to 1`,
    "Before correction": verdict.highest !== null && verdict.highest !== verdict.score ? `${score(verdict.highest, cuts)}, the highest of ${verdict.candidates}` : "",
    Cuts: cuts ? `substantial from ${cuts.upper.toPrecision(3)} on, little below ${cuts.lower.toPrecision(3)}; from ${cuts.origin}` : "",
    Frames: verdict.timeline ? `${verdict.frames} looked at, ${Math.round(100 * verdict.timeline.share_with_face)} % with a face` : "",
    Size: verdict.width ? `${verdict.width} × ${verdict.height} pixels, ${record.bytes.toLocaleString("en")} bytes` : "",
    "SHA-256 of the file": record.sha256,
    Detector: record.model,
    "SHA-256 of the weights": record.model_sha256,
    Skill: record.skill,
    dfdetect: verdict.dfdetect,
  };
  return el("details", {}, el("summary", {}, "Technical record"), el("dl", {}, ...pairs(rows)));
}
