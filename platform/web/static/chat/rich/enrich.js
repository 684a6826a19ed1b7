// Formulas, diagrams, tables and code of answers, beyond what Markdown makes of them. The module of each kind, with
// the library behind it, is loaded when the first one comes near the screen. Until then, without a network, and if it
// can't be shown, its source is there.
//
// The outermost element of each block stays in its place, so that an answer in progress can be compared (`patch`).

const NEAR = "500px"; // from the screen
const ELEMENTS = ".answer code[class], .answer .code code, .answer .table";
const FORMULA = /^language-math(-display)?$/;
const PAGE = /^\s*(<!doctype html|<html[\s>]|(<\?xml[^>]*>\s*)?<svg[\s>])/i;
const seen = new WeakSet();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    show(target);
  }
}, { rootMargin: NEAR, scrollMargin: NEAR });

/** Show the blocks in `root` once they come near the screen, or at once if `now`. Of an answer `inProgress`, the last
 * block may still grow: only its formulas are shown. */
export function enrich(root, { now = false, inProgress = false } = {}) {
  const last = inProgress ? root.lastElementChild : null;
  for (const element of root.querySelectorAll(ELEMENTS)) {
    if (seen.has(element)) continue;
    if (last?.contains(element) && !FORMULA.test(element.className)) continue;
    seen.add(element);
    if (now) show(element);
    else observer.observe(element);
  }
}

/** The language named after the ``` of a block of code, in lower case. */
export function languageOf(code) {
  return code.className.replace(/^language-/, "").toLowerCase();
}

async function show(element) {
  for (const load of modulesOf(element)) {
    const module = await load().catch(() => null); // the site can't be reached
    module?.show(element);
  }
}

function modulesOf(element) {
  if (element.matches(".table")) return [() => import("./tables.js")];
  if (FORMULA.test(element.className)) return [() => import("./formulas.js")];
  if (!element.closest(".code")) return [];
  const language = languageOf(element);
  if (language === "mermaid") return [() => import("./diagrams.js")];
  const isPage = ["html", "svg"].includes(language) || (["", "xml"].includes(language) && PAGE.test(element.textContent));
  return [language && (() => import("./highlighting.js")), isPage && (() => import("./artifacts.js"))].filter(Boolean);
}
