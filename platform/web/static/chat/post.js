// Sending a form's fields to the site and getting JSON back, with one sentence for whatever goes wrong.

const OFFLINE = "Can’t reach the site. Check your connection and try again.";
const BROKEN = "Something went wrong. Try again.";
const OUT_OF_DATE = "This page is out of date. Reload it, then try again.";

/** Why a request was refused: `message` is for the reader, `status` the HTTP status (0: no answer). */
export class Refusal extends Error {
  constructor(message, status = 0, body = {}) {
    super(message);
    this.status = status;
    this.signIn = body.sign_in ?? "";
  }
}

export function token() {
  // The cookie is newer than the page where somebody signed in again in another tab.
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** The JSON that the site answers `fields`, posted to `url`. Throws Refusal. */
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
  throw new Refusal(body?.error ?? sentence(response.status), response.status, body ?? {});
}

export function sentence(status) {
  if (status === 403) return OUT_OF_DATE;
  if (status === 404) return "Chat not found. It may have been deleted in another tab.";
  if (status === 413) return "This is too large to send. Shorten it and try again.";
  if (status === 429) return "Too many requests. Wait a moment and try again.";
  return BROKEN;
}
