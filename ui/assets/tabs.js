// Two tabs keep their conversations in one place of the browser: the last to write is the one that is kept there.
// What another tab writes over is laid aside for this tab alone, and boot.js puts it back when this tab is loaded again.
let own = null;
let foreign = null; // what another tab wrote last

const tab = (name, value) => { try { sessionStorage.setItem("duizhao:" + name, value); } catch { /* a private window keeps nothing */ } };

/** A question was asked in this tab: from now on its conversation is like no other. */
export const askedHere = () => tab("asked", "yes");

export function watchTabs() {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    // A tab in which nothing was asked goes on with what the others have kept.
    if (!key?.startsWith("duizhao-") || sessionStorage.getItem("duizhao:asked") !== "yes") return;
    if (oldValue !== foreign) own = oldValue;
    foreign = newValue;
    tab("aside", JSON.stringify({ key, own, foreign }));
  });
}
