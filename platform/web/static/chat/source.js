// The page of one citation: turns and zooms its pages.

import { pressed, turn, zoom } from "./source_view.js";

const page = document.querySelector("[data-source-page]");
const status = page.querySelector("[data-panel-status]");

page.addEventListener("keydown", (event) => pressed(event, status));
page.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && "turn" in button.dataset) turn(button, status);
  if (button && "zoom" in button.dataset) zoom(button.closest(".page-figure"));
});
