// The card beside a ¶: the quoted sentence in both languages. Shown on hover and on focus, dismissed with Esc.
const SHOW_AFTER = 120;
const HIDE_AFTER = 200;
let chip = null;
let timer = 0;

const card = () => document.getElementById("card");
const chipOf = (node) => (node instanceof Element ? node.closest(".statement .chip") : null);

export function hideCard() {
  clearTimeout(timer);
  if (chip) chip.removeAttribute("aria-describedby");
  chip = null;
  if (card()) card().hidden = true;
}

export const isCardShown = () => Boolean(card()) && !card().hidden;

function show(next) {
  const quote = document.getElementById(next.dataset.quote);
  if (!quote) return;
  chip = next;
  const box = card();
  // Cloned nodes, not markup: what was escaped stays text.
  box.replaceChildren(...[...quote.children].map((child) => child.cloneNode(true)));
  for (const link of box.querySelectorAll("a")) link.tabIndex = -1;
  for (const own of box.querySelectorAll("[id]")) own.removeAttribute("id");
  box.hidden = false;
  chip.setAttribute("aria-describedby", "card");
  place(box, next.getBoundingClientRect());
}

function place(box, anchor) {
  const gap = 8;
  const { offsetWidth: width, offsetHeight: height } = box;
  const left = Math.max(gap, Math.min(anchor.left - 24, innerWidth - width - gap));
  const below = anchor.bottom + gap;
  const top = below + height > innerHeight - gap && anchor.top - height - gap > gap ? anchor.top - height - gap : below;
  box.style.left = left + "px";
  box.style.top = Math.max(gap, Math.min(top, innerHeight - height - gap)) + "px";
}

function later(action, wait) {
  clearTimeout(timer);
  timer = setTimeout(action, wait);
}

export function watchChips() {
  const touch = matchMedia("(hover: none)");
  document.addEventListener("mouseover", (event) => {
    if (touch.matches) return;
    const over = chipOf(event.target);
    if (over) later(() => show(over), SHOW_AFTER);
    else if (card() && card().contains(event.target)) clearTimeout(timer);
    else if (chip) later(hideCard, HIDE_AFTER);
    else clearTimeout(timer);
  });
  document.addEventListener("focusin", (event) => {
    const over = chipOf(event.target);
    if (over && over.matches(":focus-visible")) show(over);
    else if (chip && !card().contains(event.target)) hideCard();
  });
  document.addEventListener("scroll", (event) => {
    // A long quote is scrolled within its card.
    if (event.target !== card()) hideCard();
  }, { capture: true, passive: true });
  addEventListener("resize", hideCard);
}
