// Requests to the API for actions and MCP servers, with one sentence for every failure.

import { t } from "../translate.js";

/** An error of the API: `message` for the person, `fields` with the message of each field by name. */
export class Refused extends Error {
  constructor(message, fields = {}) {
    super(message);
    this.fields = fields;
  }
}

function token() {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
  return cookie?.slice("csrftoken=".length) ?? document.querySelector("[name=csrfmiddlewaretoken]").value;
}

/** The JSON response of the API, or null if it is empty. Throws Refused. */
export async function call(method, url, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new Refused(t("Can’t reach the site. Check your connection and try again."));
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw refusal(response.status, answer);
}

/** The items of a list, which has room for all that a GPT can have on its first page. Throws Refused. */
export async function listed(url) {
  return (await call("GET", `${url}?limit=100`)).items;
}

function refusal(status, answer) {
  if (status === 401 || status === 403) return new Refused(t("You’re signed out. Sign in again in another tab."));
  const { detail, field: first, errors = [] } = answer ?? {};
  const fields = {};
  for (const { field, message } of errors) fields[field.split(".").at(-1)] = message;
  if (first && detail) fields[first.split(".").at(-1)] ??= detail;
  return new Refused(detail ?? t("Something went wrong. Try again."), fields);
}
