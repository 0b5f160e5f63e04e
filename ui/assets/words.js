// The reader's language: which of the two wordings is shown, and the attributes that carry words.
const root = document.documentElement;

export const language = () => (root.dataset.lang === "zh" ? "zh" : "en");

export function keep(name, value) {
  try { localStorage.setItem("duizhao:" + name, value); } catch { /* a private window keeps nothing */ }
}

/** Give every element under `part` that has words in attributes those of the reader's language. */
export function label(part) {
  const own = language();
  for (const element of part.querySelectorAll("[data-say]")) {
    for (const name of element.dataset.say.split(" ")) element.setAttribute(name, element.dataset[own]);
  }
}

/** Words the scripts say themselves; `{name}` is filled in from `values`. */
export function words(key, values = {}) {
  const element = document.querySelector(`#said-words [data-key="${key}"]`);
  const text = element ? element.dataset[language()] : "";
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Put words on `element` that follow the reader's language from now on. */
export function setLabel(element, names, key, values = {}) {
  const source = document.querySelector(`#said-words [data-key="${key}"]`);
  const fill = (text) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  element.dataset.say = names;
  element.dataset.zh = fill(source.dataset.zh);
  element.dataset.en = fill(source.dataset.en);
  for (const name of names.split(" ")) element.setAttribute(name, element.dataset[language()]);
}

/** Say something to screen readers. */
export function say(text) {
  const region = document.getElementById("say");
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}

let toastTimer = 0;

/** Say something to everyone: on the page for a moment, and to screen readers. */
export function tell(text) {
  say(text);
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, 2600);
}

function nameLanguage() {
  const own = language() === "zh" ? "zh-Hans" : "en";
  if (root.lang !== own) root.lang = own;
}

/** Keep the document's language the one its words are in; gradio sets it to the browser's. */
export function holdLanguage() {
  nameLanguage();
  new MutationObserver(nameLanguage).observe(root, { attributeFilter: ["lang"] });
}

export function switchLanguage() {
  root.dataset.lang = language() === "zh" ? "en" : "zh";
  nameLanguage();
  keep("language", root.dataset.lang);
  label(document);
  document.dispatchEvent(new CustomEvent("duizhao:language"));
}
