// The texts of scripts in the page's language. English needs no catalog: the texts in the scripts are English.

const { words: url } = document.documentElement.dataset;
const catalog = url ? await load() : {};

async function load() {
  try {
    return await (await fetch(url)).json();
  } catch {
    return {}; // English is better than no page
  }
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (found, name) => values[name] ?? found);
}

/** Writes numbers as the page's language does. */
export const number = new Intl.NumberFormat(document.documentElement.lang || "en", { maximumFractionDigits: 1 });

/** `text` in the page's language, with `{name}` filled from `values`. */
export function t(text, values = {}) {
  return filled(catalog[text] ?? text, values);
}

/** As `t`, in the form for `n`; `{n}` is the number. */
export function tn(one, many, n, values = {}) {
  const forms = catalog[one] ?? [one, many];
  const form = new Intl.PluralRules(document.documentElement.lang).select(n) === "one" ? forms[0] : forms.at(-1);
  return filled(form, { n, ...values });
}
