// Requests from the creator's pages, with one sentence for every failure.

import { t } from "../translate.js";

/** Send `body` and return the JSON response. Throws an Error with a message for the person. */
export async function post(url, body = new FormData()) {
  body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  const options = { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" };
  return answer(await fetch(url, options).catch(() => { throw new Error(t("Can’t reach the site.")); }));
}

/** Load JSON. Throws an Error with a message for the person. */
export async function load(url) {
  const options = { headers: { Accept: "application/json" }, redirect: "manual" };
  return answer(await fetch(url, options).catch(() => { throw new Error(t("Can’t reach the site.")); }));
}

async function answer(response) {
  if (response.type === "opaqueredirect" || response.status === 403) {
    throw new Error(t("You’re signed out. Sign in again in another tab."));
  }
  const isJson = response.headers.get("content-type")?.includes("json");
  if (response.status === 404) throw Object.assign(new Error(t("You can no longer edit this GPT.")), { status: 404 });
  if (!isJson) throw new Error(t("Something went wrong."));
  return response.json();
}
