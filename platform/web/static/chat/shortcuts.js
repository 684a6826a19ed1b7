// Keys of the chat page, the sheet that lists them, the dialog that starts a chat with any GPT, and the notice of a
// lost connection.

const WAIT_MS = 120; // after a key, before the list is requested

const help = document.getElementById("shortcuts-dialog");
const start = document.getElementById("start-dialog");
const field = start.querySelector("[data-start-query]");
const list = start.querySelector("[data-start-list]");
const none = start.querySelector("[data-start-none]");
const more = start.querySelector("[data-start-more]");
const area = document.querySelector("[data-message]");
let timer = 0;

async function look() {
  const response = await fetch(`${start.dataset.url}?${new URLSearchParams({ q: field.value })}`).catch(() => null);
  const { gpts, more: hasMore } = response?.ok ? await response.json() : { gpts: [] };
  list.replaceChildren(...gpts.map(option));
  none.hidden = gpts.length > 0;
  more.hidden = !hasMore;
}

function option(gpt) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = start.dataset.chat.replace("SLUG", encodeURIComponent(gpt.slug));
  link.innerHTML = gpt.face; // drawn by the site
  const [text, name, about] = ["span", "b", "span"].map((tag) => document.createElement(tag));
  name.textContent = gpt.name;
  about.textContent = gpt.description;
  text.append(name, about);
  link.append(text);
  item.append(link);
  return item;
}

function openStart() {
  if (start.open) return;
  field.value = "";
  start.showModal();
  look();
}

/** Move the focus along the field and the links below it. */
function move(event, by) {
  const all = [field, ...list.querySelectorAll("a")];
  const at = all.indexOf(document.activeElement) + by;
  event.preventDefault();
  all[Math.max(0, Math.min(all.length - 1, at))].focus();
}

field.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(look, WAIT_MS);
});
start.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") move(event, 1);
  else if (event.key === "ArrowUp") move(event, -1);
  else if (event.key === "Enter" && event.target === field) {
    event.preventDefault();
    clearTimeout(timer);
    look().then(() => list.querySelector("a")?.click()); // for what is typed now
  }
});

document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, textarea, select, [contenteditable]");
  const command = event.ctrlKey || event.metaKey;
  if (command && !event.shiftKey && event.key.toLowerCase() === "k") act(event, openStart);
  else if (command && event.shiftKey && event.key.toLowerCase() === "o") act(event, () => document.querySelector("[data-new-chat]")?.click());
  else if (writes || command || event.altKey || document.querySelector("dialog:modal")) return;
  else if (event.key === "?") act(event, () => help.showModal());
  else if (event.key === "/") act(event, () => area?.focus());
});

function act(event, what) {
  event.preventDefault();
  what();
}

for (const button of document.querySelectorAll("[data-start]")) button.addEventListener("click", (event) => act(event, openStart));
for (const button of document.querySelectorAll("[data-shortcuts]")) button.addEventListener("click", () => help.showModal());
for (const dialog of [help, start]) dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());

// The connection

const notice = document.querySelector("[data-offline]");

function connected(is) {
  if (notice) notice.hidden = is;
}

addEventListener("offline", () => connected(false));
addEventListener("online", () => connected(true));
document.addEventListener("guildhall:connection", (event) => connected(event.detail));
