// Renaming, pinning, archiving and deleting chats, in the sidebar and on the page of all chats.

import { toast } from "../site.js";
import { post } from "./post.js";
import { showTitle } from "./titles.js";
import { t } from "../translate.js";

const menu = document.getElementById("chat-menu");
const renaming = document.getElementById("rename-dialog");
const moving = document.getElementById("move-dialog");
const deleting = document.getElementById("delete-dialog");
let opener = null; // the button whose chat the menu is about

function row() {
  return opener.closest("[data-chat-row]");
}

function place() {
  const at = opener.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + 4 + height < innerHeight;
  menu.style.setProperty("left", `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`);
  menu.style.setProperty("top", `${below ? at.bottom + 4 : at.top - height - 4}px`);
}

function openDialog(dialog) {
  menu.hidePopover();
  dialog.querySelector("[data-error]").textContent = "";
  dialog.showModal();
}

async function submit(dialog, url, done) {
  const form = dialog.querySelector("form");
  const button = form.querySelector(".primary");
  button.disabled = true;
  try {
    done(await post(url, new FormData(form)));
    dialog.close();
  } catch (refusal) {
    dialog.querySelector("[data-error]").textContent = refusal.message;
  } finally {
    button.disabled = false;
  }
}

/** Pin or archive the chat, or no longer; the list is then another. */
async function change(what) {
  const { [`${what}Url`]: url, pinned, archived } = opener.dataset;
  const off = (what === "pin" ? pinned : archived) !== undefined;
  menu.hidePopover();
  try {
    await post(url, off ? { off: "1" } : {});
    location.reload();
  } catch (refusal) {
    toast(refusal.message, "error");
  }
}

const renamed = ({ title }) => showTitle(row().dataset.chatRow, title);

function deleted() {
  if ("current" in row().dataset) {
    location.replace(document.querySelector(".side-all").href);
    return;
  }
  const group = row().closest("[data-group]");
  for (const hit of document.querySelectorAll(`[data-hit="${row().dataset.chatRow}"]`)) hit.remove();
  row().remove();
  if (!group.querySelector("[data-chat-row]")) group.remove();
  if (!document.querySelector("[data-chat-row]")) location.reload(); // for the text that explains an empty list
  toast(t("Chat deleted."));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-menu]");
  if (!button) return;
  opener = button;
  menu.querySelector("[data-pin] [data-words]").textContent = "pinned" in opener.dataset ? t("Unpin") : t("Pin");
  menu.querySelector("[data-archive] [data-words]").textContent = "archived" in opener.dataset ? t("Put back") : t("Archive");
  menu.showPopover();
  place();
  menu.querySelector("button").focus();
});
menu.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  const items = [...menu.querySelectorAll("button")];
  items[(items.indexOf(document.activeElement) + 1) % items.length].focus();
});
menu.addEventListener("toggle", (event) => {
  if (event.newState === "closed" && !document.querySelector("dialog:modal")) opener?.focus();
});
menu.querySelector("[data-rename]").addEventListener("click", () => {
  openDialog(renaming);
  const field = renaming.querySelector("[name=title]");
  field.value = row().querySelector("[data-title]").textContent;
  field.select();
});
menu.querySelector("[data-pin]").addEventListener("click", () => change("pin"));
menu.querySelector("[data-archive]").addEventListener("click", () => change("archive"));
menu.querySelector("[data-schedule]").addEventListener("click", () => location.assign(opener.dataset.scheduleUrl));
menu.querySelector("[data-move]").addEventListener("click", async () => {
  const select = moving.querySelector("select");
  const { moveUrl, project } = opener.dataset;
  moving.querySelector("form").action = moveUrl;
  try {
    const { items } = await (await fetch("/api/projects?limit=100")).json();
    select.replaceChildren(new Option(t("None"), ""), ...items.map(({ name, id }) => new Option(name, id, false, id === project)));
    openDialog(moving);
  } catch {
    toast(t("The projects could not be loaded. Try again."), "error");
  }
});
menu.querySelector("[data-share]").addEventListener("click", () => location.assign(opener.dataset.shareUrl));
menu.querySelector("[data-delete]").addEventListener("click", () => {
  openDialog(deleting);
  deleting.querySelector("[data-name]").textContent = row().querySelector("[data-title]").textContent;
});
renaming.addEventListener("submit", (event) => {
  event.preventDefault();
  submit(renaming, opener.dataset.renameUrl, renamed);
});
deleting.addEventListener("submit", (event) => {
  event.preventDefault();
  submit(deleting, opener.dataset.deleteUrl, deleted);
});
for (const dialog of [renaming, moving, deleting]) {
  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => opener.isConnected && opener.focus());
}
