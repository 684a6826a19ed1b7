// Formulas, diagrams, tables and code of answers, beyond what Markdown makes of them. The module of each kind, with
// the library behind it, is loaded when the first one comes near the screen. Until then, without a network, and if it
// can't be shown, its source is there.
//
// The outermost element of each block stays in its place, so that an answer in progress can be compared (`patch`).

const NEAR = "500px"; // from the screen
const BLOCKS = ".answer code[class], .answer .code code, .question .code code, .answer .table, .app";
const FORMULA = /^language-math(-display)?$/;
const PAGE = /^\s*(<!doctype html|<html[\s>]|(<\?xml[^>]*>\s*)?<svg[\s>])/i;
const seen = new WeakSet();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    if (target.matches(".turn")) observe(target);
    else show(target);
  }
}, { rootMargin: NEAR, scrollMargin: NEAR });

/** Show the blocks in `root` once they come near the screen, or at once if `now`. Of an answer `inProgress`, the last
 * block may still grow: only its formulas are shown. */
export function enrich(root, { now = false, inProgress = false } = {}) {
  // Turns first: to find the place of a block in each would lay all of them out, which takes seconds in a long chat.
  const turns = now ? [] : root.querySelectorAll(".turn");
  if (turns.length) turns.forEach((turn) => observer.observe(turn));
  else if (!now) observe(root);
  else blocksOf(root, inProgress ? root.lastElementChild : null).forEach(show);
}

function observe(root) {
  for (const block of blocksOf(root)) observer.observe(block);
}

/** The blocks in `root` that were not returned before, but for those in `growing` that are no formulas. */
function blocksOf(root, growing = null) {
  const blocks = [...root.querySelectorAll(BLOCKS)].filter(
    (block) => !seen.has(block) && (!growing?.contains(block) || FORMULA.test(block.className)),
  );
  blocks.forEach((block) => seen.add(block));
  return blocks;
}

/** The language named after the ``` of a block of code, in lower case. */
export function languageOf(code) {
  return code.className.replace(/^language-/, "").toLowerCase();
}

async function show(block) {
  for (const load of modulesOf(block)) {
    const module = await load().catch(() => null); // the site can't be reached
    module?.show(block);
  }
}

function modulesOf(block) {
  if (block.matches(".app")) return [() => import("./apps.js")];
  if (block.matches(".table")) return [() => import("./tables.js")];
  if (FORMULA.test(block.className) && !block.closest(".question")) return [() => import("./formulas.js")];
  if (!block.closest(".code")) return [];
  const language = languageOf(block);
  if (block.closest(".question")) return language ? [() => import("./highlighting.js")] : [];
  if (language === "mermaid") return [() => import("./diagrams.js")];
  const isPage = ["html", "svg"].includes(language) || (["", "xml"].includes(language) && PAGE.test(block.textContent));
  return [language && (() => import("./highlighting.js")), isPage && (() => import("./artifacts.js"))].filter(Boolean);
}
