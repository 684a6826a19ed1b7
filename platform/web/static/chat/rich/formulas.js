// Formulas, drawn by KaTeX. What it can't read stays as it was written.

import "../../vendor/katex/katex.min.js"; // as `katex` of the window
import { t } from "../../translate.js";

const MAX_CHARS = 10_000;
// Nothing that could load, link or name elements (`trust`); sizes in em and expansions are bounded.
const OPTIONS = { trust: false, throwOnError: true, strict: "ignore", maxSize: 40, maxExpand: 500 };

const sheet = document.createElement("link");
sheet.rel = "stylesheet";
sheet.href = new URL("../../vendor/katex/katex.min.css", import.meta.url);
document.head.append(sheet);
await new Promise((resolve) => { sheet.onload = sheet.onerror = resolve; });

/** Draw the formula in `code`, in its place. */
export function show(code) {
  const box = code.closest(".code");
  const displayMode = Boolean(box) || code.className === "language-math-display";
  const formula = document.createElement("span");
  formula.className = displayMode ? "formula formula-display" : "formula";
  if (code.textContent.length > MAX_CHARS) return;
  try {
    const tree = window.katex.__renderToDomTree(code.textContent, { ...OPTIONS, displayMode });
    dropStyles(tree);
    formula.append(tree.toNode());
  } catch {
    return; // an error in the formula, or too deep
  }
  if (box) {
    box.className = "formula-box";
    box.replaceChildren(formula);
  } else code.replaceWith(formula);
  letScroll(formula);
}

/** Drop the style attributes of the MathML, which is for screen readers: the site's content policy refuses them. */
function dropStyles(node) {
  delete node.attributes?.style;
  node.children?.forEach(dropStyles);
}

/** Make a formula that is wider than its column scroll in itself, by keyboard too. */
function letScroll(formula) {
  const column = formula.closest("p, li, td, th, .formula-box, .answer").clientWidth;
  const widths = [...formula.querySelectorAll(".base")].map((part) => part.getBoundingClientRect().width);
  if (Math.max(...widths, formula.scrollWidth) <= column) return;
  formula.classList.add("formula-scrolls");
  formula.tabIndex = 0;
  formula.setAttribute("role", "group");
  formula.setAttribute("aria-label", t("Formula"));
}
