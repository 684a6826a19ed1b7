// Shows how far an import of chats is.

const POLL_MS = 1500;
const state = document.querySelector("[data-import-state]");

async function load() {
  try {
    const response = await fetch(state.dataset.importState, { headers: { Accept: "text/html" } });
    if (response.ok) state.innerHTML = await response.text();
  } catch {
    // The network is away: the next try may find it.
  }
  if (state.querySelector("[data-open]")) setTimeout(load, POLL_MS);
}

if (state.querySelector("[data-open]")) setTimeout(load, POLL_MS);
