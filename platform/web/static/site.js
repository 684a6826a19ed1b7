// For every page: closing menus, toasts, copy buttons, the theme. Page modules import `toast` from here.

import { t } from "./translate.js";

const TOAST_MS = 7000;

/** Show `text` at the bottom of the page; kind "error" stays until it is closed. */
export function toast(text, kind = "success") {
  const box = document.createElement("div");
  box.className = `toast ${kind}`;
  box.setAttribute("role", kind === "error" ? "alert" : "status");
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button small";
  close.dataset.dismiss = "";
  close.textContent = t("Close");
  box.append(words, close);
  document.querySelector("[data-toasts]").append(box);
  expire(box);
}

function expire(box) {
  if (box.classList.contains("error")) return;
  let timer = setTimeout(() => box.remove(), TOAST_MS);
  const hold = () => clearTimeout(timer);
  const go = () => { timer = setTimeout(() => box.remove(), TOAST_MS); };
  box.addEventListener("pointerenter", hold);
  box.addEventListener("pointerleave", go);
  box.addEventListener("focusin", hold);
  box.addEventListener("focusout", go);
}

/** Copy `text`, also on pages without TLS, which have no clipboard API. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

async function copyFrom(button) {
  const source = document.getElementById(button.dataset.copy);
  await copy(source.value ?? source.textContent.trim());
  const label = button.dataset.label ??= button.textContent;
  button.textContent = t("Copied");
  setTimeout(() => { button.textContent = label; }, 2000);
}

function chooseTheme(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  } catch { /* Storage may be forbidden: the choice holds for this page. */ }
  markTheme();
}

function markTheme() {
  const chosen = document.documentElement.dataset.theme ?? "system";
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosen));
  }
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  const button = event.target.closest("button");
  if (!button) return;
  if ("dismiss" in button.dataset) button.closest(".toast").remove();
  if (button.dataset.copy) copyFrom(button);
  if ("print" in button.dataset) print();
  if ("hintSeen" in button.dataset) {
    event.preventDefault();
    const fields = new URLSearchParams({ csrfmiddlewaretoken: document.querySelector("[name=csrfmiddlewaretoken]").value });
    fetch(button.formAction, { method: "POST", body: fields, redirect: "manual" });
    button.closest("[data-hint]").remove();
    document.querySelector("main [data-message]")?.focus();
  }
  if (button.dataset.themeChoice) chooseTheme(button.dataset.themeChoice);
});
/** Show or hide the passwords of a form; hidden when it is sent, or browsers would not offer to save them. */
function showPasswords(form, shows) {
  for (const field of form.querySelectorAll("[type=password], [data-password]")) {
    field.dataset.password = "";
    field.type = shows ? "text" : "password";
  }
}

document.addEventListener("change", ({ target }) => "showPassword" in target.dataset && showPasswords(target.form, target.checked));
document.addEventListener("submit", ({ target }) => target.querySelector("[data-show-password]") && showPasswords(target, false));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.activeElement?.closest("details.menu[open]");
  closeMenus();
  open?.querySelector("summary").focus();
});
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
document.querySelectorAll("[data-toasts] .toast").forEach(expire);
document.querySelectorAll("[data-needs-js]").forEach((element) => { element.hidden = false; });
markTheme();
