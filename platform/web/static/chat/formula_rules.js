// Formulas in the Markdown of an answer while it is being written. The same rules as in chat/formulas.py, which says
// what they are and why; a test runs the same cases against both.

const INLINE = new RegExp([
  String.raw`\$\$((?:[^$\\]|\\[\s\S]){1,2000})\$\$`,
  String.raw`\\\[((?:[^\\]|\\[^\[\]]){1,2000})\\\]`,
  String.raw`\\\(((?:[^\\]|\\[^()]){1,2000})\\\)`,
  String.raw`(?<![A-Za-z0-9$])\$(?![\s$])((?:[^$\\]|\\[\s\S]){1,2000})(?<!\s)\$(?![A-Za-z0-9$])`,
].join("|"), "y");
const N_DISPLAY = 2; // the first groups of the expression are of formulas that stand apart
const CLOSERS = { "$$": "$$", "\\[": "\\]" };

/** Make `parser`, a MarkdownIt, know formulas. */
export function addFormulas(parser) {
  parser.inline.ruler.before("escape", "formula", inline);
  parser.block.ruler.before("fence", "formula", block, { alt: ["paragraph", "reference", "blockquote", "list"] });
}

function inline(state, silent) {
  if (!"$\\".includes(state.src[state.pos])) return false;
  INLINE.lastIndex = state.pos;
  const found = INLINE.exec(state.src);
  const group = found?.findIndex((text, index) => index && text !== undefined);
  const content = found?.[group].trim();
  if (!content) return false;
  if (!silent) {
    const token = state.push("code_inline", "code", 0);
    token.attrSet("class", group <= N_DISPLAY ? "language-math-display" : "language-math");
    token.content = content;
  }
  state.pos += found[0].length;
  return true;
}

function block(state, start, end, silent) {
  const opener = line(state, start).slice(0, 2);
  const closer = Object.hasOwn(CLOSERS, opener) && CLOSERS[opener];
  if (!closer || state.sCount[start] - state.blkIndent >= 4) return false;
  const lines = [line(state, start).slice(2)];
  while (!lines.at(-1).endsWith(closer)) {
    const number = start + lines.length;
    const next = number < end && state.sCount[number] >= state.blkIndent ? line(state, number) : "";
    if (!next || lines.at(-1).includes(closer) || (next.startsWith(opener) && opener !== closer)) return false;
    lines.push(next);
  }
  const content = lines.join("\n").slice(0, -2).trim();
  if (!content || content.includes(closer)) return false;
  if (!silent) {
    const token = state.push("fence", "code", 0);
    [token.info, token.content, token.map] = ["math", `${content}\n`, [start, start + lines.length]];
    state.line = start + lines.length;
  }
  return true;
}

function line(state, number) {
  return state.src.slice(state.bMarks[number] + state.tShift[number], state.eMarks[number]).trimEnd();
}
