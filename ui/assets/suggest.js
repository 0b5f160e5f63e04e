// Suggested questions: those of the pool whose paragraphs this conversation has not touched.
import { touched } from "./article.js";
import { isBusy } from "./composer.js";
import { language } from "./words.js";

const FIRST = 4;
const NEXT = 3;
let pool = [];

/** Fetch the pool, and again until the server has tried which of them the article answers. */
export async function fetchSuggestions() {
  let tried = false;
  try {
    const reply = await (await fetch("suggestions", { cache: "no-store" })).json();
    pool = reply.suggestions;
    tried = reply.tried;
    drawSuggestions();
  } catch { /* the connection is lost; the banner says so */ }
  if (!tried) setTimeout(fetchSuggestions, 4000);
}

export function drawSuggestions() {
  const place = document.getElementById("suggest");
  if (!place) return;
  const chosen = choose(document.querySelector(".exchange") ? NEXT : FIRST);
  place.hidden = chosen.length === 0 || isBusy();
  // Drawn anew only where it has changed: the one that has the focus would lose it.
  const shown = [...place.querySelectorAll(".suggestion")].map((own) => own.textContent);
  if (shown.join("\n") !== chosen.map((entry) => entry[language()]).join("\n")) {
    place.querySelector("ul").replaceChildren(...chosen.map(item));
  }
}

function choose(many) {
  const seen = touched();
  const asked = new Set([...document.querySelectorAll(".exchange .question")].map((own) => own.textContent.trim()));
  const open = pool.filter((entry) => entry[language()] && !asked.has(entry.zh) && !asked.has(entry.en)
    && !entry.paragraphs.some((number) => seen.has(String(number))));
  // Spread over the article rather than the first few.
  const step = Math.max(1, open.length / many);
  return Array.from({ length: Math.min(many, open.length) }, (_, i) => open[Math.floor((i + 0.5) * step)]);
}

function item(entry) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "suggestion";
  button.dataset.act = "suggested";
  button.textContent = entry[language()];
  const line = document.createElement("li");
  line.append(button);
  return line;
}
