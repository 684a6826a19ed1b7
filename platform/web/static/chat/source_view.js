// What a citation opens in the panel: first the passage, then its page or the section around it.

import { t } from "../translate.js";

const SLOW = t("The page is taking too long to load. You can still read the passage here.");
const GONE = t("This source is no longer available: you’re signed out, or the chat was deleted. Reload the page.");
const OFFLINE = t("Can’t reach the site. Open the source again when you’re back online.");

/** Load an open source. Its passage is shown until then. */
export async function load(entry) {
  if (entry.dataset.loaded === entry.dataset.view) return;
  entry.dataset.loaded = entry.dataset.view;
  const body = entry.querySelector("[data-source-body]");
  body.setAttribute("aria-busy", "true");
  const view = await fragment(entry.dataset.view, ".source-view");
  if (entry.dataset.loaded !== entry.dataset.view || !body.isConnected) return;
  body.removeAttribute("aria-busy");
  if (typeof view === "string") {
    body.prepend(trouble(view));
    delete entry.dataset.loaded; // opening it again retries
    return;
  }
  const passage = body.querySelector(".passage");
  const mark = passage.querySelector("mark.current");
  const top = mark?.getBoundingClientRect().top;
  if ("hasText" in view.dataset) passage.hidden = true;
  body.append(view);
  if (view.querySelector(".page-figure")) show(view);
  else keep(entry, view.querySelector("mark"), top);
}

/** Turn to the page of `button`, and keep the focus on the button. */
export async function turn(button, status) {
  const figure = button.closest(".page-figure");
  if (figure.getAttribute("aria-busy")) return;
  const { direction } = button.dataset;
  figure.setAttribute("aria-busy", "true");
  const page = await fragment(button.dataset.turn, ".page-figure");
  figure.removeAttribute("aria-busy");
  figure.parentElement.querySelector(":scope > .source-trouble")?.remove();
  if (typeof page === "string") {
    figure.before(trouble(page));
    return;
  }
  const isZoomed = figure.classList.contains("zoomed");
  figure.replaceWith(page);
  if (isZoomed) zoom(page);
  status.textContent = page.querySelector("[data-page-name]").textContent;
  const next = page.querySelector(`[data-direction=${direction}]`) ?? page.querySelector("[data-page-scroll]");
  next.focus({ preventScroll: true });
}

/** Show a page at the panel's width, or at twice that, from the first marked word on. */
export function zoom(figure) {
  const button = figure.querySelector("[data-zoom]");
  const isZoomed = figure.classList.toggle("zoomed");
  button.textContent = isZoomed ? t("Fit width") : t("Zoom in");
  if (isZoomed) toMark(figure);
}

/** Arrow keys turn pages; if the picture is larger than its frame, they scroll it instead. */
export function pressed(event, status) {
  const figure = event.target.closest?.(".page-figure");
  const direction = { ArrowLeft: "before", ArrowRight: "after" }[event.key];
  if (!figure || !direction || event.altKey || event.ctrlKey || event.metaKey || figure.classList.contains("zoomed")) return;
  const button = figure.querySelector(`[data-direction=${direction}]`);
  if (!button) return;
  event.preventDefault();
  turn(button, status);
}

async function fragment(url, selector) {
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" } });
    if (response.status === 404) return GONE;
    if (!response.ok) return (response.headers.get("Content-Type") ?? "").startsWith("text/plain") ? await response.text() : SLOW;
    const found = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(selector);
    return document.importNode(found, true);
  } catch {
    return OFFLINE;
  }
}

function trouble(words) {
  const note = document.createElement("p");
  note.className = "source-trouble";
  note.setAttribute("role", "status");
  note.textContent = words;
  return note;
}

function show(view) {
  view.querySelector("rect, .page-bar").scrollIntoView({ block: "nearest" });
}

/** Scroll so that `mark` stays at the same position. */
function keep(entry, mark, top) {
  const scroller = entry.closest("[data-panel-body]");
  if (mark && top !== undefined && scroller) scroller.scrollTop += mark.getBoundingClientRect().top - top;
}

function toMark(figure) {
  const frame = figure.querySelector("[data-page-scroll]");
  const mark = figure.querySelector("rect");
  if (!mark) return;
  const at = mark.getBoundingClientRect();
  const around = frame.getBoundingClientRect();
  frame.scrollLeft += at.left - around.left - around.width / 4;
  frame.scrollTop += at.top - around.top - around.height / 3;
}
