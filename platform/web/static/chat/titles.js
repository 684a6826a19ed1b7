// The titles of chats in the side column and in the list of all chats.

import { t } from "../translate.js";

/** Show `title` wherever the chat with this id stands. */
export function showTitle(id, title) {
  for (const hit of document.querySelectorAll(`[data-hit="${id}"] bdi`)) hit.textContent = title;
  for (const entry of document.querySelectorAll(`[data-chat-row="${id}"]`)) {
    entry.querySelector("[data-title]").textContent = title;
    entry.querySelector("a").title = title;
    entry.querySelector("[data-menu]").ariaLabel = t("Rename, pin, archive, schedule, move, share or delete “{title}”", { title });
    if ("current" in entry.dataset) document.title = `${title} · ${document.title.split(" · ").at(-1)}`;
  }
}
