// Shows openapi.json: the routes, and the types of their answers.

import { el } from "./words.js";

const described = await (await fetch("/openapi.json")).json();
document.getElementById("told").textContent = `dfdetect ${described.info.version}. ${described.info.description}`;
document.getElementById("example").textContent = `curl -F file=@video.mp4 ${location.origin}/v1/analyze`;

/** Text in which `names` stand between backticks. */
const marked = (text) => text.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));

const nameOf = (schema) => (schema?.$ref ? schema.$ref.split("/").at(-1) : schema?.type || "");

function operation(path, verb, told) {
  const answers = Object.entries(told.responses).map(([status, answer]) => {
    const [kind, content] = Object.entries(answer.content || {})[0] || [];
    const type = kind === "application/json" ? nameOf(content.schema) : kind;
    return el("li", {}, `${status}: ${answer.description}${type ? ` (${type})` : ""}`);
  });
  return el("section", { className: "operation" },
    el("h3", {}, el("span", { className: "verb" }, `${verb.toUpperCase()} `), el("code", {}, path)),
    el("p", {}, ...marked(told.description || told.summary)), el("ul", { className: "answers" }, ...answers));
}

/** The type of a field, in words. */
function kind(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(", ");
  if (schema.type === "array") return schema.items ? `list of ${kind(schema.items)}` : "list";
  return schema.type || "anything";
}

function type(name, schema) {
  const rows = Object.entries(schema.properties || {}).map(([field, each]) => el("tr", {}, el("td", {}, el("code", {}, field)), el("td", {}, kind(each))));
  return el("details", {}, el("summary", {}, name), el("p", {}, schema.description || ""), el("div", { className: "scroll" }, el("table", {}, el("tbody", {}, ...rows))));
}

const operations = Object.entries(described.paths).flatMap(([path, verbs]) => Object.entries(verbs).map(([verb, told]) => operation(path, verb, told)));
document.getElementById("operations").replaceChildren(...operations);
document.getElementById("schemas").replaceChildren(...Object.entries(described.components.schemas).map(([name, schema]) => type(name, schema)));
