// Saving a file and copying text.
import { tell, words } from "./words.js";

/** Offer `{name, type, text}` as a download. */
export function download(parcel) {
  const url = URL.createObjectURL(new Blob([parcel.text], { type: parcel.type + ";charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = parcel.name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Copy `text`, also where the clipboard needs https and there is none. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  tell(words("copied"));
}
