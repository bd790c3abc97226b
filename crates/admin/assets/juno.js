// What pages do better with a script: copying, times in the reader's own zone, parts that stay fresh. All of them work
// without.
"use strict";

/** Tells those who do not see the page what has happened on it. */
const news = document.createElement("p");
news.className = "sr";
news.setAttribute("role", "status");
document.body.append(news);

/** Shows the button beside each value that can be copied. */
function offerCopying(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      const words = button.textContent;
      news.textContent = "";
      try {
        await navigator.clipboard.writeText(field.value ?? field.textContent);
        button.textContent = "Copied";
      } catch {
        field.select?.();
        button.textContent = "Press Ctrl-C";
      }
      news.textContent = `${button.ariaLabel}: ${button.textContent}`;
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
}

/** Turns UTC into the reader's own time, to the minute unless [data-seconds]; the exact time stays as the title. */
function localTimes(root) {
  const format = (timeStyle) => new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle });
  const [minutes, seconds] = [format("short"), format("medium")];
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.dateTime;
    time.textContent = (time.closest("[data-seconds]") ? seconds : minutes).format(at);
  }
}

/**
 * Loads [data-live="/path"] again every [data-every] seconds while the page is seen, until the part says [data-done]; for an
 * hour at most, so that a page left open does not ask for ever. No session is kept awake by it.
 */
function keepFresh(part) {
  const seconds = Math.max(1, Number(part.dataset.every) || 3);
  const end = Date.now() + 60 * 60 * 1000;
  const load = async () => {
    if (Date.now() > end) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(part.dataset.live, { headers: { accept: "text/html" }, redirect: "error" });
        if (answer.ok) {
          const text = await answer.text();
          if (part.dataset.text !== text) {
            part.dataset.text = text;
            part.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
            enliven(part);
          }
        }
        if (answer.status === 404 || answer.status === 410 || part.querySelector("[data-done]")) return;
      } catch {
        // The network, or a session that has ended: the page says so when it is loaded again.
      }
    }
    setTimeout(load, seconds * 1000);
  };
  setTimeout(load, seconds * 1000);
}

/** Shows in the field of a label which one an empty field would become. */
function suggestLabel(root) {
  for (const field of root.querySelectorAll("input[data-label-of]")) {
    const name = document.getElementById(field.dataset.labelOf);
    const show = () => {
      const isPlain = !/[^\p{ASCII}]/u.test(name.value.replace(/[^\p{L}\p{N}]/gu, ""));
      const words = isPlain ? name.value.toLowerCase().match(/[a-z0-9]+/g) : null;
      field.placeholder = words ? words.join("-").slice(0, 64) : "";
    };
    name.addEventListener("input", show);
    show();
  }
}

function enliven(root) {
  offerCopying(root);
  localTimes(root);
  suggestLabel(root);
}

enliven(document);
for (const part of document.querySelectorAll("[data-live]")) keepFresh(part);
