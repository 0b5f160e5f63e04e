// The question box: sending, stopping, editing an earlier question, asking of one paragraph.
import { isNarrow, showPane, watchModels } from "./look.js";
import { tell, words } from "./words.js";

// Seconds after which a question that nothing answered to is put back into the box.
const UNANSWERED = 12;
// Milliseconds after which a stop, or a server that is back, would have shown if the answer were still being written.
const HEARD = 4000;
// Milliseconds between two words to the server that a question is being written; it then reads nothing ahead.
const EXPECTING = 3000;
const SETTLING = 50; // milliseconds
let expectedAt = 0;
let triggers = {};
let pending = null;
const NOTHING = { replaces: null, standalone: false, scope: null, n: 0 };
let asking = NOTHING;
let aside = []; // {question, own} that wait until what stands in the box is sent
let stopping = false;
let drawings = 0; // how often the transcript was drawn
let changing = 0; // the timer of a change to the conversation that was sent and is not drawn yet
let isNext = false; // what stands in the box is asked once the answer under way is done

const isTouch = () => matchMedia("(hover: none)").matches;
const box = () => document.getElementById("question");
const note = (name) => document.getElementById(name + "-note");
export const isRestored = () => !document.querySelector("#transcript-block [data-waiting]");
const running = () => document.querySelector('#transcript-block [data-state="running"]');

const isAnswering = () => Boolean(pending || running());
export const isBusy = () => Boolean(changing || isAnswering());

export function mountComposer(own) {
  triggers = own;
  document.getElementById("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  box().addEventListener("keydown", (event) => {
    // Enter that chooses a word in an input method is not Enter that sends.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  box().addEventListener("input", () => {
    askNext(false);
    fit();
    expect();
  });
  addEventListener("pagehide", keepBox);
  takeBack();
}

/** What stands in the box, and what was laid aside for it, is there again when this tab loads the page again. */
function keepBox() {
  const all = [...aside, ...written()];
  try { sessionStorage.setItem("duizhao:box", JSON.stringify(all)); } catch { /* a private window keeps nothing */ }
}

function takeBack() {
  try { aside = JSON.parse(sessionStorage.getItem("duizhao:box")) || []; } catch { /* nothing was kept */ }
  takeUp();
}

const written = () => (box().value.trim() ? [{ question: box().value, own: asking }] : []);

/** Put into the box what was laid aside last; nothing where nothing was. */
function takeUp() {
  const { question, own } = aside.pop() || { question: "", own: NOTHING };
  box().value = question;
  asking = own;
  forgetGone();
  showNotes();
}

/** A question that an edit would replace may be gone by now: the edit is a question of its own then. */
function forgetGone() {
  if (!asking.replaces || !isRestored() || document.getElementById("x-" + asking.replaces)) return;
  asking = { ...asking, replaces: null, n: 0 };
  showNotes();
}

function expect() {
  if (Date.now() - expectedAt < EXPECTING) return;
  expectedAt = Date.now();
  triggers.expect();
}

function fit() {
  const area = box();
  area.style.height = "auto";
  area.style.height = Math.min(area.scrollHeight, 180) + "px";
  const limit = Number(area.dataset.limit);
  const over = [...area.value.trim()].length > limit;
  note("length").hidden = !over;
  if (over) note("length").textContent = words("too_long", { limit });
  document.getElementById("send").disabled = over;
}

function submit() {
  const question = box().value.trim();
  if (!question || document.getElementById("send").disabled) return;
  if (isBusy()) {
    askNext(true);
    return;
  }
  ask({ question, ...asking });
  takeUp();
  // On a phone the keyboard would stand in front of the answer.
  if (isTouch()) box().blur();
}

/** Keep what stands in the box to be asked next; or no longer. */
export function askNext(on) {
  isNext = on;
  note("next").hidden = !on;
}

/** Ask: {question, replaces?, standalone?, scope?, n?}. Does nothing while another question is under way. */
export function ask(what) {
  if (isBusy()) return;
  pending = { asked: { ...NOTHING, ...what }, isSent: false, timer: setTimeout(giveBack, UNANSWERED * 1000) };
  if (isNarrow()) showPane("talk");
  // What was clicked is about to be drawn away; the focus would be lost with it.
  if (document.activeElement.closest?.("#transcript-block") && !isTouch()) box().focus({ preventScroll: true });
  deliver();
  showState();
  watchModels();
}

/** Send what is pending, once the kept conversation is here: it would be drawn over the answer. */
function deliver() {
  if (!isRestored()) return;
  pending.isSent = true;
  triggers.ask(pending.asked);
}

function giveBack() {
  if (!pending) return;
  const { question, ...own } = pending.asked;
  const isFree = !box().value.trim();
  aside.push({ question, own });
  if (isFree) takeUp();
  askNext(false);
  pending = null;
  stopping = false;
  showState();
  tell(words(isFree ? "unanswered" : "unanswered_aside"));
}

/** Send a change to the conversation. A question asked before it is back would be asked of the one without it. */
export function change(event, data) {
  changing = setTimeout(arrived, UNANSWERED * 1000);
  triggers[event](data);
}

/** The transcript was drawn anew: what was sent has arrived. */
export function arrived() {
  drawings += 1;
  clearTimeout(changing);
  changing = 0;
  if (pending && !pending.isSent) {
    deliver();
    return;
  }
  if (pending) clearTimeout(pending.timer);
  pending = null;
  if (stopping) stop();
  stopping = false;
  showState();
  forgetGone();
  markLeaving();
  // Not at once: the conversation that goes with the question is kept in the same breath as this was drawn.
  if (isNext && !isBusy()) setTimeout(submitNext, SETTLING);
}

function submitNext() {
  if (!isNext || isBusy()) return;
  askNext(false);
  submit();
}

/** Stop the question that is under way, also one of which nothing has been heard yet. */
export function stop() {
  stopping = Boolean(pending);
  if (!running()) return;
  triggers.stop({ id: running().dataset.id });
  settleUnlessDrawn();
}

/** Leave an answer that comes no more, its server gone and back, as it stands; one that is still drawn goes on.
 *
 * The page is loaded again for it: gradio does not notice that nobody is at the other end, and would hear no answer more.
 */
export function settleUnlessDrawn() {
  const seen = drawings;
  setTimeout(() => {
    if (drawings === seen && running()) location.reload();
  }, HEARD);
}

function showState() {
  const busy = isAnswering();
  const stop = document.getElementById("stop");
  const go = document.getElementById("send");
  const hadFocus = document.activeElement === stop || document.activeElement === go;
  stop.hidden = !busy;
  go.hidden = busy;
  document.documentElement.dataset.busy = busy ? "yes" : "no";
  if (hadFocus) (busy ? stop : go).focus();
}

/** Put a question into the box: to be changed ({replaces, n}), or asked again in full ({standalone}). */
export function edit(question, { replaces = null, n = 0, standalone = false, scope = null } = {}) {
  askNext(false);
  if (!asking.replaces) aside.push(...written());
  asking = { replaces, standalone, scope, n };
  if (isNarrow()) showPane("talk");
  box().value = question;
  showNotes();
  box().focus();
  box().setSelectionRange(question.length, question.length);
}

/** Put a question that was taken back into the box, unless another one is being written there. */
export function putBack(question, own) {
  if (!box().value.trim()) edit(question, own);
  else box().focus();
}

export function askAbout(number) {
  asking = { ...asking, scope: number };
  if (isNarrow()) showPane("talk");
  showNotes();
  box().focus();
}

export function dropScope() {
  asking = { ...asking, scope: null };
  showNotes();
  box().focus();
}

/** Leave an edit as it was; true where there was one. */
export function cancelEdit() {
  if (!asking.replaces) return false;
  takeUp();
  box().focus();
  return true;
}

/** Mark what an edit would replace: the question that is edited, and those after it. */
function markLeaving() {
  let leaving = false;
  for (const exchange of document.querySelectorAll("#transcript-block .exchange")) {
    leaving = leaving || exchange.dataset.id === asking.replaces;
    exchange.classList.toggle("leaving", leaving);
  }
}

export function showNotes() {
  fit();
  markLeaving();
  note("editing").hidden = !asking.replaces;
  note("scope").hidden = !asking.scope;
  if (asking.replaces) note("editing").querySelector(".words").textContent = words("editing", { n: asking.n });
  if (asking.scope) note("scope").querySelector(".words").textContent = words("only_paragraph", { n: asking.scope });
}

export const focusQuestion = () => box().focus();
