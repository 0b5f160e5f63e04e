// Suggested questions: those of the pool whose paragraphs this conversation has not touched.
import { touched } from "./article.js";
import { isBusy } from "./composer.js";
import { language } from "./words.js";

const FIRST = 4;
const NEXT = 3;

export function drawSuggestions() {
  const place = document.getElementById("suggest");
  if (!place) return;
  const chosen = choose(document.querySelector(".exchange") ? NEXT : FIRST);
  place.hidden = chosen.length === 0 || isBusy();
  place.querySelector("ul").replaceChildren(...chosen.map(item));
}

function choose(many) {
  const seen = touched();
  const asked = new Set([...document.querySelectorAll(".exchange .question")].map((own) => own.textContent.trim()));
  const pool = [...document.querySelectorAll("#suggestion-pool [data-ps]")].filter(
    (entry) => entry.dataset[language()] && !asked.has(entry.dataset.zh) && !asked.has(entry.dataset.en)
      && !entry.dataset.ps.split(" ").some((number) => seen.has(number)),
  );
  // Spread over the article rather than the first few.
  const step = Math.max(1, pool.length / many);
  return Array.from({ length: Math.min(many, pool.length) }, (_, i) => pool[Math.floor((i + 0.5) * step)]);
}

function item(entry) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "suggestion";
  button.dataset.act = "suggested";
  button.textContent = entry.dataset[language()];
  const line = document.createElement("li");
  line.append(button);
  return line;
}
