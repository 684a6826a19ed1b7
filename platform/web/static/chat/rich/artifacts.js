// A preview of HTML and SVG code, in a frame that is no part of the site (chat/frames.py). The code may come from a file
// or a page that nobody here wrote: it runs once the person opens the preview, and only until they close it.
//
// Nothing that the frame says is listened to.

import { addViews } from "./views.js";
import { t } from "../../translate.js";

const SVG = /^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/i;
const CENTRED = "<style>html,body{height:100%;margin:0}body{display:grid;place-items:center}svg{max-width:100%;max-height:100%}</style>";

/** Offer a preview of `code`. */
export function show(code) {
  const box = code.closest(".code");
  const turn = addViews(box, t("Preview"), (isOn) => {
    box.querySelector("iframe")?.remove();
    if (isOn) box.append(frameOf(code.textContent));
  });
  turn(false);
}

function frameOf(text) {
  const frame = document.createElement("iframe");
  frame.className = "artifact";
  frame.title = t("Preview");
  frame.sandbox = "allow-scripts";
  frame.src = document.querySelector("[data-artifact-frame]").dataset.artifactFrame;
  // Its origin is none that could be named here. `once`: what the frame loads later gets nothing.
  frame.addEventListener("load", () => frame.contentWindow.postMessage(documentOf(text), "*"), { once: true });
  return frame;
}

function documentOf(text) {
  if (SVG.test(text)) return `<!doctype html>${CENTRED}${text}`;
  return /^\s*<!doctype/i.test(text) ? text : `<!doctype html>${text}`;
}
