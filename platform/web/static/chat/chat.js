// The chat page: one conversation, and the sidebar of chats.

import { Conversation } from "./conversation.js";

const talk = document.querySelector("[data-talk]");
const conversation = new Conversation(talk, {
  // The first message creates the chat: go to its URL, replacing this one in the browser's history.
  began(data) {
    if ("page" in talk.dataset) return false;
    talk.querySelector("[data-composer]").action = data.send; // what was typed since is kept for that page
    location.replace(data.url);
    return true;
  },
});

addEventListener("pageshow", (event) => event.persisted && conversation.refresh());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !conversation.stream) conversation.refresh();
});

const filter = document.querySelector("[data-filter]");
filter?.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const group of document.querySelectorAll(".side [data-group]")) {
    const rows = [...group.querySelectorAll("[data-chat-row]")];
    for (const row of rows) {
      const title = row.querySelector("[data-title]").textContent.toLowerCase();
      row.hidden = !words.every((word) => title.includes(word));
    }
    group.hidden = rows.every((row) => row.hidden);
    shown += rows.filter((row) => !row.hidden).length;
  }
  document.querySelector("[data-none]").hidden = shown > 0;
});
document.querySelector(".side [aria-current=page]")?.scrollIntoView({ block: "nearest" });
