// The page about a GPT's knowledge: tests questions without a reload, and loads the part that a worker makes.

import { post } from "./send.js";
import { t } from "../translate.js";

const form = document.querySelector("[data-ask]");
const asked = document.querySelector("[data-asked]");
const health = document.querySelector("[data-health]");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  asked.setAttribute("aria-busy", "true");
  try {
    const data = await post(form.action, new FormData(form));
    asked.innerHTML = data.html;
  } catch (error) {
    asked.replaceChildren(sorry(error.message));
  }
  asked.removeAttribute("aria-busy");
  button.disabled = false;
});

function sorry(words) {
  const line = document.createElement("p");
  line.className = "notice danger";
  line.textContent = words;
  return line;
}

async function loadHealth() {
  const response = await fetch(health.dataset.health, { headers: { Accept: "application/json" }, redirect: "manual" }).catch(() => null);
  const data = await response?.json().catch(() => null);
  if (data?.html) health.innerHTML = data.html;
  else tryLater(data?.error ?? t("Can’t reach the site."));
}

function tryLater(words) {
  const line = health.querySelector("[data-health-state]");
  line.textContent = `${words} `;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button small";
  again.textContent = t("Retry");
  again.addEventListener("click", () => { line.textContent = t("Comparing passages…"); loadHealth(); });
  line.append(again);
}

if (health) loadHealth();
