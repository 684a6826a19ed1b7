// Two views of a block of code, with buttons in its header: the code, and what it makes; and the page's theme.

import { t } from "../../translate.js";

export const dark = matchMedia("(prefers-color-scheme: dark)");

/** Whether the page is dark. */
export function isDark() {
  const schemes = getComputedStyle(document.documentElement).colorScheme.split(" ");
  return schemes.includes("dark") && (dark.matches || !schemes.includes("light"));
}

/** Add the buttons to the block `box`. `shown(isOn)` is called when the view called `name` is opened or closed.
 * Returns a function that switches. */
export function addViews(box, name, shown) {
  const group = document.createElement("div");
  group.className = "views";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", t("View"));
  const [code, other] = [t("Code"), name].map((label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    group.append(button);
    return button;
  });
  const turn = (isOn) => {
    code.setAttribute("aria-pressed", String(!isOn));
    other.setAttribute("aria-pressed", String(isOn));
    box.querySelector("pre").hidden = isOn;
    shown(isOn);
  };
  code.addEventListener("click", () => turn(false));
  other.addEventListener("click", () => turn(true));
  box.querySelector(".code-head > span").after(group);
  return turn;
}
