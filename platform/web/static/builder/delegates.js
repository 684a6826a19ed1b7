// The GPTs that a draft can ask: a search that adds one, and the rows. The form (edit.js) saves when to ask each.

import { toast } from "../site.js";
import { post } from "./send.js";
import { t, tn } from "../translate.js";

const ASK_AFTER_MS = 150;

const form = document.getElementById("gpt-form");
const section = document.getElementById("delegates");
const list = section.querySelector("[data-delegates]");
const input = document.getElementById("delegate");
const options = document.getElementById("delegate-options");
const none = section.querySelector("[data-combo-none]");
const urls = section.dataset;
let timer = 0;
let asked = 0; // counts searches, so that a slow response does not replace a newer one
let active = -1;

// The list of choices ------------------------------------------------------------------------------------------------

async function search() {
  clearTimeout(timer);
  const query = input.value.trim();
  const mine = (asked += 1);
  const url = `${urls.choices}?q=${encodeURIComponent(query)}`;
  const response = await fetch(url, { headers: { Accept: "application/json" }, redirect: "manual" }).catch(() => null);
  const found = response?.ok ? await response.json() : null;
  if (mine !== asked || document.activeElement !== input) return;
  options.innerHTML = found?.html ?? "";
  if (!found) none.textContent = t("Couldn’t load GPTs. Try again in a moment.");
  else none.textContent = query ? t("No GPTs found for “{query}”.", { query }) : t("There are no other GPTs yet.");
  open(found?.n ?? 0);
}

function open(n) {
  options.hidden = n === 0;
  none.hidden = n > 0;
  input.setAttribute("aria-expanded", String(n > 0));
  activate(n && input.value.trim() ? 0 : -1); // Enter adds the best match
  tell(n ? tn("{n} GPT found.", "{n} GPTs found.", n) : none.textContent);
}

function close() {
  clearTimeout(timer);
  asked += 1;
  options.hidden = none.hidden = true;
  input.setAttribute("aria-expanded", "false");
  activate(-1);
}

function activate(index) {
  active = index;
  [...options.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
  const option = options.children[index];
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function move(by) {
  const n = options.children.length;
  if (options.hidden) search();
  else if (active < 0) activate(by > 0 ? 0 : n - 1);
  else activate((active + by + n) % n);
}

function escape() {
  if (options.hidden && none.hidden) input.value = "";
  close();
}

input.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const act = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => { if (active >= 0) choose(options.children[active]); else search(); },
    Escape: escape,
  }[event.key];
  if (!act) return;
  event.preventDefault(); // Enter would submit the form
  act();
});
input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, ASK_AFTER_MS);
});
input.addEventListener("click", () => { if (options.hidden) search(); });
input.addEventListener("blur", close);
options.addEventListener("pointerdown", (event) => event.preventDefault()); // keep the focus on the search
options.addEventListener("click", (event) => {
  const option = event.target.closest("[data-slug]");
  if (option) choose(option);
});

// The rows -----------------------------------------------------------------------------------------------------------

async function choose(option) {
  close();
  const body = new FormData();
  body.set("delegate", option.dataset.slug);
  const { html, name, error } = await post(urls.add, body).catch(({ message }) => ({ error: message }));
  say(error);
  if (error) return;
  input.value = "";
  list.insertAdjacentHTML("beforeend", html);
  changed(t("{name} added. Describe when to ask it.", { name }));
  list.lastElementChild.querySelector(".field").focus();
}

async function remove(button) {
  const row = button.closest("li");
  const name = row.querySelector("b").textContent;
  const next = row.nextElementSibling ?? row.previousElementSibling;
  try {
    await post(button.formAction);
  } catch ({ message }) {
    return say(message);
  }
  say("");
  row.remove();
  changed("");
  (next?.querySelector("[data-remove-delegate]") ?? input).focus();
  toast(t("{name} removed from the draft. The live version keeps it until you publish again.", { name }));
}

async function accept(button) {
  const row = button.closest("li");
  try {
    await post(button.formAction);
  } catch ({ message }) {
    return say(message);
  }
  say("");
  row.querySelector("[data-changes]").remove();
  row.querySelector(".field").focus();
  changed(t("Changes accepted."));
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove-delegate], [data-accept-changes]");
  if (!button) return;
  event.preventDefault();
  if ("acceptChanges" in button.dataset) accept(button);
  else remove(button);
});

function changed(words) {
  limit();
  tell(words);
  form.dispatchEvent(new CustomEvent("outside-changed")); // the status of the draft may have changed
}

function limit() {
  const full = list.children.length >= Number(urls.max);
  section.querySelector("[data-combo]").hidden = full;
  section.querySelector("[data-full]").hidden = !full;
}

function say(error) {
  section.querySelector("[data-delegates-error]").textContent = error ?? "";
}

function tell(words) {
  section.querySelector("[data-delegates-status]").textContent = words;
}

// Without this script the field is part of the form, and the browser suggests the choices.
input.removeAttribute("name");
input.removeAttribute("list");
for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": options.id })) {
  input.setAttribute(name, value);
}
limit();
