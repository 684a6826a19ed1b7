// The runs of other GPTs: loaded when their line is expanded, and again while they are in progress.

import { t } from "../translate.js";

const AGAIN_MS = 2000;
const OFFLINE = t("Can’t reach the site. Expand this again when you’re back online.");
const GONE = t("This is no longer available: you’re signed out, or the chat was deleted. Reload the page.");

/** Load the runs of delegations in `root` when they are expanded; `shown(part)` activates each. */
export function foldOut(root, shown) {
  root.addEventListener("toggle", ({ target }) => {
    if (!target.matches?.("details[data-delegated][open]") || "filling" in target.dataset) return;
    target.dataset.filling = "";
    const body = target.querySelector("[data-delegated-body]");
    keepUp(body, target.dataset.delegated, shown, () => target.open && target.isConnected).finally(() => delete target.dataset.filling);
  }, { capture: true });
}

/** Show the part at `url` in `body`, and update it while it is in progress and `isWanted()`. */
export async function keepUp(body, url, shown, isWanted = () => true) {
  let last = "";
  do {
    const html = await fetched(url);
    const part = html.text && new DOMParser().parseFromString(html.text, "text/html").querySelector("[data-part]");
    if (!part && !body.querySelector("[data-part]")) say(body, html.trouble ?? GONE);
    if (part && html.text !== last) put(body, document.importNode(part, true), shown);
    if (part ? !("partLive" in part.dataset) : html.trouble !== OFFLINE || !last) return;
    last = html.text ?? last;
    await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
  } while (isWanted());
}

async function fetched(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" } });
    return response.ok ? { text: await response.text() } : { trouble: response.status === 404 ? GONE : OFFLINE };
  } catch {
    return { trouble: OFFLINE };
  }
}

function say(body, words) {
  const note = document.createElement("p");
  note.className = "aside";
  note.setAttribute("role", "status");
  note.textContent = words;
  body.querySelector(":scope > .aside")?.remove();
  body.append(note);
}

function put(body, part, shown) {
  shown(part);
  carry(body, part);
  body.replaceChildren(part);
}

/** Expand the lines in `fresh` that are expanded in `old`, with the content that was loaded. */
export function carry(old, fresh) {
  const within = (element) => element.parentElement.closest("[data-part]");
  const part = fresh.matches("[data-part]") ? fresh : null;
  const top = old.querySelector(":scope > [data-part]") ?? within(old) ?? null;
  for (const line of old.querySelectorAll("details[data-call][open]")) {
    if (within(line) !== top) continue;
    const same = [...fresh.querySelectorAll("details[data-call]")].find((each) => within(each) === part && each.dataset.call === line.dataset.call);
    if (!same) continue;
    const [from, to] = [line, same].map((each) => each.querySelector("[data-delegated-body]"));
    if (from && to) to.replaceChildren(...from.childNodes);
    for (let each = same; each; each = each.parentElement?.closest("details.steps")) each.open = true;
  }
}
