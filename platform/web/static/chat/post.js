// Requests from the chat's pages, with one sentence for every failure.

import { t } from "../translate.js";

const OFFLINE = t("Can’t reach the site. Check your connection and try again.");
const BROKEN = t("Something went wrong. Try again.");
const OUT_OF_DATE = t("This page is out of date. Reload it, then try again.");

/** A failed request: `message` is for the person, `status` the HTTP status (0: no response). */
export class Refusal extends Error {
  constructor(message, status = 0, body = {}) {
    super(message);
    this.status = status;
    this.signIn = body.sign_in ?? "";
  }
}

export function token() {
  // The cookie is newer than the page if the person signed in again in another tab.
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** Post `fields` to `url` and return the JSON response. Throws Refusal. */
export async function post(url, fields = {}) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token() },
      body: fields instanceof FormData ? fields : new URLSearchParams(fields),
    });
  } catch {
    throw new Refusal(OFFLINE);
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw new Refusal(body?.error?.message ?? body?.error ?? sentence(response.status), response.status, body ?? {});
}

export function sentence(status) {
  if (status === 403) return OUT_OF_DATE;
  if (status === 404) return t("Chat not found. It may have been deleted in another tab.");
  if (status === 413) return t("This is too large to send. Shorten it and try again.");
  if (status === 429) return t("Too many requests. Wait a moment and try again.");
  return BROKEN;
}
