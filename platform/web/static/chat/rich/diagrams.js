// Mermaid diagrams. Mermaid needs styles that the site's content policy refuses, so it draws in a hidden frame that is
// no part of the site (chat/frames.py). What it draws is shown as a picture, in which nothing runs or loads. A diagram
// with an error keeps its code.

import { addViews, dark, isDark } from "./views.js";
import { t } from "../../translate.js";

const WAIT_MS = 20_000; // until a diagram is given up, with the frame that draws it
const drawn = new Map(); // the drawing of each diagram, by theme and source
let drawer = null;

/** Draw the diagram in `code`, and show it in place of the code. */
export async function show(code) {
  const box = code.closest(".code");
  const drawing = await draw(code.textContent);
  if (!drawing) {
    box.append(note());
    return;
  }
  const view = viewOf(code.textContent, drawing);
  box.append(view);
  addViews(box, t("Diagram"), (isOn) => { view.hidden = !isOn; })(true);
}

function viewOf(source, drawing) {
  const view = document.createElement("div");
  view.className = "diagram";
  view.tabIndex = 0;
  view.setAttribute("role", "region");
  view.setAttribute("aria-label", t("Diagram"));
  view.dataset.source = source;
  view.append(pictureOf(drawing));
  return view;
}

function pictureOf({ svg, width, height, title }) {
  const picture = new Image(width, height);
  picture.alt = title || t("A diagram. Its text is in the code.");
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  return picture;
}

function note() {
  const words = document.createElement("p");
  words.className = "code-note";
  words.textContent = t("This diagram can’t be drawn, so you see its code.");
  return words;
}

// The theme

async function redraw() {
  for (const view of document.querySelectorAll(".diagram")) {
    const drawing = await draw(view.dataset.source);
    if (drawing) view.replaceChildren(pictureOf(drawing));
  }
}

dark.addEventListener("change", redraw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });

// The frame

/** The drawing of `source` in the page's theme: its SVG, size in pixels and title. Null if there is none. */
function draw(source) {
  const key = `${isDark()} ${source}`;
  if (!drawn.has(key)) drawn.set(key, ask({ source, isDark: isDark() }).then((drawing) => drawing ?? forget(key)));
  return drawn.get(key);
}

function forget(key) {
  drawn.delete(key); // perhaps it works the next time
  return null;
}

async function ask(diagram) {
  const { frame, ready } = drawer ??= opened();
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(resolve, WAIT_MS, "hangs");
  });
  await Promise.race([ready, answer]);
  frame.contentWindow?.postMessage(diagram, "*", [port2]);
  const drawing = await answer;
  if (drawing !== "hangs") return drawing;
  frame.remove(); // the next diagram gets a new one
  if (drawer?.frame === frame) drawer = null;
  return null;
}

function opened() {
  const frame = document.createElement("iframe");
  frame.className = "drawer";
  frame.title = t("Diagrams are drawn here");
  frame.tabIndex = -1;
  frame.ariaHidden = "true";
  frame.sandbox = "allow-scripts";
  frame.src = document.querySelector("[data-diagram-frame]").dataset.diagramFrame;
  const ready = new Promise((resolve) => { frame.onload = resolve; });
  document.body.append(frame);
  return { frame, ready };
}
