// The passages of a knowledge file in the creator's form: loaded when unfolded, corrected in place.

import { toast } from "../site.js";
import { load, post } from "./send.js";
import { t } from "../translate.js";

/** Load passages when a file's fold opens; `saved(row, data)` shows the server's response to a correction. */
export function showPassages(list, saved) {
  list.addEventListener("toggle", ({ target }) => {
    if (target.open && target.dataset.passages) fill(target.querySelector("[data-list]"), target.dataset.passages);
  }, true);
  // The form saves itself on input, which these fields are no part of.
  for (const kind of ["input", "change"]) {
    list.addEventListener(kind, (event) => { if (event.target.closest("[data-passage]")) event.stopPropagation(); });
  }
  list.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.more) return more(button);
    const passage = button?.closest("[data-passage]");
    return passage && send(passage, button, saved);
  });
}

async function fill(box, url) {
  if (!box.childElementCount) box.textContent = t("Loading…");
  box.innerHTML = await html(url) ?? "";
}

async function more(button) {
  button.disabled = true;
  const further = await html(button.dataset.more);
  button.disabled = false;
  if (further !== undefined) button.outerHTML = further;
}

async function html(url) {
  try {
    const data = await load(url);
    if (data.error) throw new Error(data.error);
    return data.html;
  } catch (error) {
    toast(error.message, "error");
    return undefined;
  }
}

async function send(passage, button, saved) {
  const value = (name) => passage.querySelector(`[data-${name}]`)?.value ?? "";
  const body = new FormData();
  body.set("original", value("original"));
  if (!("undo" in button.dataset) && !("restore" in button.dataset)) body.set("text", value("text"));
  if (!("restore" in button.dataset)) body.set("also_asked", value("also-asked"));
  if (passage.querySelector("[data-pinned]")?.checked && !("drop" in button.dataset)) body.set("pinned", "yes");
  if ("drop" in button.dataset) body.set("dropped", "yes");
  button.disabled = true;
  try {
    const data = await post(passage.dataset.url, body);
    if (data.error) throw new Error(data.error);
    saved(passage.closest("li"), data);
  } catch (error) {
    button.disabled = false;
    toast(error.message, "error");
  }
}
