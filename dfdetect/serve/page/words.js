// Words and small pieces of the page. Text from outside gets in as text, never as HTML.

export const SIGNS = { substantial: "▲", uncertain: "?", little: "▽", none: "–" };
/** An element. `set` holds its properties, and attributes under their names with "-" or "role". */
export function el(tag, set = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(set)) {
    if (value === undefined || value === null) continue;
    if (name === "style") Object.assign(made.style, value);
    else if (name === "role" || name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...inside.filter((each) => each !== null && each !== undefined && each !== ""));
  return made;
}

/** A time in a video: "0:37.2". */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole >= 3600) return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return `${Math.floor(whole / 60)}:${two(whole % 60)}.${Math.floor(10 * (seconds - whole))}`;
}

/** A score with so many digits that it stays on its side of the cuts, above 0 and below 1. */
export function score(value, cuts) {
  if (value === null || value === undefined) return "–";
  const sides = cuts ? [cuts.lower, cuts.upper] : [];
  for (let digits = 2; digits < 16; digits += 1) {
    const text = value.toFixed(digits);
    const whole = Number(text) === Math.round(value) && !Number.isInteger(value);
    if (!whole && sides.every((cut) => Number(text) >= cut === value >= cut)) return text;
  }
  return String(value);
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export function sentence(level, text, id) {
  return el("h2", { className: `sentence ${level || "none"}`, id, tabIndex: -1 },
    el("span", { className: "sign", "aria-hidden": "true" }, SIGNS[level || "none"]), el("span", {}, text));
}

export function chip(level, words) {
  if (!level) return el("span", { className: "chip" }, "not judged");
  return el("span", { className: `chip ${level}` },
    el("span", { "aria-hidden": "true" }, SIGNS[level]), el("span", {}, words[level]));
}

/** What the visitor may try where there is no verdict. */
export function tips(reason, model) {
  const size = `The face should be at least ${model.min_face} pixels wide.`;
  const known = {
    no_face: ["Take a picture in which the face looks towards the camera.", size],
    too_small: [size, "Take the original file instead of a screenshot or a preview."],
    few_faces: ["Cut the video to the part that shows the face.", size],
    too_few_faces: model.photos ? ["Take a longer video that shows the face all the time."] : ["This detector judges videos only: it needs several frames of a face."],
    blurred: ["Take the original file: each time a file is sent on, it loses detail."],
    unreadable: ["Open the file in a player. If it plays, save it anew as MP4 or JPEG."],
    truncated: ["Download the file again: its end is missing."],
    failed: ["Try it again. If it fails again, the file may be damaged."],
  };
  return known[reason] || [];
}
