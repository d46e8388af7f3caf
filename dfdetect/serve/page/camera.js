// The webcam: sends a frame, shows what is said of it, and sends the next.

import { boxClass } from "./result.js";
import { currentKey } from "./server.js";
import { el, score, SIGNS } from "./words.js";

const WIDEST = 640;
const IN_FLIGHT = 2;

/** Start the webcam in its section; returns a function that stops it. */
export async function start(model, onEnd) {
  const at = (id) => document.getElementById(id);
  const video = at("camera-video");
  const told = at("camera-told");
  const boxes = at("camera-stage").querySelector(".boxes");
  const line = at("camera-sentence");
  say(line, null, "Starting …");
  told.textContent = "";
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: "user" } });
  video.srcObject = stream;
  await video.play();
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, WIDEST / video.videoWidth);
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  const pen = canvas.getContext("2d");
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/live`);
  const sent = [];
  const times = [];
  let busy = false;
  let running = true;
  let before = "";

  function stop(why = "") {
    if (!running) return;
    running = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    boxes.replaceChildren();
    if (socket.readyState < WebSocket.CLOSING) socket.close(1000);
    onEnd(why);
  }

  function send() {
    if (!running || busy || sent.length >= IN_FLIGHT || socket.readyState !== WebSocket.OPEN) return;
    busy = true;
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => {
      busy = false;
      if (!running || !blob || socket.readyState !== WebSocket.OPEN) return;
      sent.push(performance.now());
      socket.send(blob);
      send();
    }, "image/jpeg", 0.85);
  }

  socket.onopen = () => {
    socket.send(JSON.stringify({ key: currentKey() }));
    send();
  };
  socket.onclose = (event) => stop(event.code === 1000 ? "" : event.reason || "The connection to the service was lost.");
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    const now = performance.now();
    const latency = now - sent.shift();
    times.push(now);
    while (now - times[0] > 2000) times.shift();
    const rate = times.length > 1 ? (1000 * (times.length - 1)) / (now - times[0]) : 0;
    say(line, frame.level, frame.sentence);
    told.textContent = `Answer after ${Math.round(latency)} ms, ${rate.toFixed(0)} frames per second. Scores are means over the last ${frame.frames} frames.`;
    boxes.replaceChildren(...frame.faces.map((face) => box(face, frame, model)));
    if (frame.sentence !== before) at("camera-status").textContent = before = frame.sentence;
    send();
  };
  for (const track of stream.getTracks()) track.onended = () => stop("The webcam was switched off.");
  return stop;
}

function say(line, level, text) {
  line.className = `sentence ${level || "none"}`;
  line.firstElementChild.textContent = SIGNS[level || "none"];
  line.lastElementChild.textContent = text;
}

function box(face, frame, model) {
  const { top, right, bottom, left } = face.box;
  const cuts = face.level ? { lower: model.lower, upper: model.upper } : null;
  return el("div", {
    className: `box ${boxClass(face, frame)}`,
    style: { left: `${(100 * left) / frame.width}%`, top: `${(100 * top) / frame.height}%`, width: `${(100 * (right - left)) / frame.width}%`, height: `${(100 * (bottom - top)) / frame.height}%` },
  }, el("b", {}, `${SIGNS[face.level || "none"]} Person ${face.person}: ${score(face.score, cuts)}`));
}
