// The models page: updates the rows that changed, every second while something moves, and says so to screen readers.

import { t } from "../translate.js";

const MOVING_MS = 1000;
const IDLE_MS = 8000;
const NEWS = { downloaded: t("{name} is downloaded."), failed: t("{name} could not be downloaded."), loaded: t("{name} is in use."), offered: t("{name} waits for your decision."), cancelled: t("{name} was stopped.") };
const OPEN = "details.menu[open]"; // rows with an open menu stay as they are

const place = document.querySelector("[data-models]");
const drawn = new WeakMap(); // what the server sent for each row

function rowsIn(root) {
  return [...root.querySelectorAll("[data-row]")];
}

function remember(root) {
  for (const row of rowsIn(root)) drawn.set(row, row.outerHTML);
}

function show(html) {
  const list = place.querySelector("[data-model-list]");
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("[data-model-list]");
  if (!fresh) return;
  remember(fresh);
  const old = rowsIn(list);
  const rows = rowsIn(fresh);
  const focused = document.activeElement?.id;
  announce(old, rows);
  if (old.map((row) => row.dataset.row).join() === rows.map((row) => row.dataset.row).join()) {
    rows.forEach((row, n) => { if (drawn.get(row) !== drawn.get(old[n]) && !old[n].querySelector(OPEN)) old[n].replaceWith(row); });
    list.toggleAttribute("data-moving", fresh.hasAttribute("data-moving"));
  } else if (!list.querySelector(OPEN)) {
    const fold = list.querySelector("#larger[open]") && fresh.querySelector("#larger");
    if (fold) fold.open = true;
    const typed = list.querySelector("#name");
    if (typed) fresh.querySelector("#name")?.replaceWith(typed);
    list.replaceWith(fresh);
  }
  if (focused && !document.activeElement?.id) document.getElementById(focused)?.focus({ preventScroll: true });
}

function announce(old, rows) {
  const before = new Map(old.map((row) => [row.dataset.row, row.dataset.state]));
  const news = rows.filter(({ dataset: { row, state } }) => NEWS[state] && before.has(row) && before.get(row) !== state);
  if (news.length) document.querySelector(place.dataset.announceTo).textContent = news.map(({ dataset }) => NEWS[dataset.state].replace("{name}", () => dataset.title)).join(" ");
}

async function look() {
  if (!document.hidden) {
    const response = await fetch(place.dataset.models, { redirect: "manual" }).catch(() => null);
    if (response?.ok) show(await response.text());
  }
  later();
}

function later() {
  setTimeout(look, place.querySelector("[data-moving]") ? MOVING_MS : IDLE_MS);
}

remember(place);
later();
