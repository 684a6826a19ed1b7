// Wait until the site was away and is back, then go to the sign-in page.
const EVERY_MS = 2000;
const then = document.querySelector("[data-then]").dataset.then;
let wasAway = false;

async function look() {
  const isHere = await fetch("/readyz", { cache: "no-store" }).then((answer) => answer.ok, () => false);
  if (isHere && wasAway) return location.assign(then);
  wasAway ||= !isHere;
  setTimeout(look, EVERY_MS);
}

look();
