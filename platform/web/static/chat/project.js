// A project's page: a chosen file is sent at once, and the page opens again while files are read.

const RELOAD_MS = 3000;
const add = document.querySelector("[data-add]");

add.querySelector("[type=file]").addEventListener("change", () => add.requestSubmit());

/** Open the page again, unless the person is writing in it. */
function refresh() {
  const wishes = document.getElementById("wishes");
  const name = document.getElementById("name");
  if (wishes.value === wishes.defaultValue && name.value === name.defaultValue) location.reload();
}

if (document.querySelector("[data-reading]")) setInterval(refresh, RELOAD_MS);
