// The trace: updates while runs are in progress, and keeps what is expanded or focused.

const AGAIN_MS = 2000;
const SLOWER_MS = 10000; // while the site can't be reached

const tree = document.querySelector("[data-tree]");
let last = "";

async function look() {
  const html = await fetch(tree.dataset.tree).then((response) => response.ok && response.text()).catch(() => "");
  if (html && html !== last) show(html);
  last = html || last;
  again(html ? AGAIN_MS : SLOWER_MS);
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(".tree");
  if (!fresh) return;
  for (const open of tree.querySelectorAll("details[data-key][open]")) {
    const same = fresh.querySelector(`details[data-key="${open.dataset.key}"]`);
    if (same) same.open = true;
  }
  const focused = tree.contains(document.activeElement) ? document.activeElement.id : "";
  const now = document.importNode(fresh, true);
  const [there, wanted] = [tree, now].map((part) => [...part.querySelectorAll(".tree-run, .tree-sums")]);
  const isSame = there.length === wanted.length && there.every((run, index) => run.id === wanted[index].id);
  if (!isSame || !("treeLive" in now.dataset)) tree.replaceChildren(now);
  else there.forEach((run, index) => run.isEqualNode(wanted[index]) || run.replaceWith(wanted[index]));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function again(wait) {
  if (tree.querySelector("[data-tree-live]")) setTimeout(look, wait);
}

again(AGAIN_MS);
