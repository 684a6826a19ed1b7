// The console's backups: shows how far they are, while one is being made or verified.

const LOOK_MS = 2000;
const list = () => document.querySelector('[data-live="list"]');

async function look() {
  const response = document.hidden ? null : await fetch(location.pathname, { redirect: "manual" }).catch(() => null);
  if (response?.ok) {
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const place of document.querySelectorAll("[data-live]")) {
      const now = fresh.querySelector(`[data-live="${place.dataset.live}"]`);
      if (now && now.outerHTML !== place.outerHTML) place.replaceWith(now);
    }
    const state = list().querySelector("[data-state]");
    if (!list().hasAttribute("data-moving") && state) document.querySelector("[data-news]").textContent = state.textContent.trim();
  }
  later();
}

function later() {
  if (list().hasAttribute("data-moving")) setTimeout(look, LOOK_MS);
}

later();
