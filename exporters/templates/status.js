"use strict";
// Keeps the page up to date. An event names the page that there is now; when it is another, its <main> is taken.
(() => {
  if (!window.EventSource) return;
  const QUIET_MS = 5000; // between two looks at the page, however much happens
  const AGAIN_MS = 30000; // until it is asked again where the server refused to tell
  const SILENT_MS = 60000; // without an event the page is looked at: it says itself when its figures are old
  const find = (id) => document.getElementById(id);
  let busy = false, again = false, silence;

  async function take() {
    if (busy) { again = true; return; }
    busy = true;
    again = false;
    try {
      const answer = await fetch("/", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      say("This page is not up to date: the monitor cannot be reached.", true);
    }
    heard();
    setTimeout(() => { busy = false; if (again) take(); }, QUIET_MS);
  }

  function swap(fresh) {
    const old = document.querySelector("main"), main = fresh.querySelector("main");
    const stops = (of) => [...of.querySelectorAll("a, summary, [tabindex]")];
    const place = stops(old).indexOf(document.activeElement);
    const heading = (of) => of.querySelector("h1").textContent.trim();
    for (const open of old.querySelectorAll("details[open]")) {
      const same = main.querySelector("#" + open.id);
      if (same) same.open = true;
    }
    old.replaceWith(document.adoptNode(main));
    document.title = fresh.title;
    if (place >= 0) stops(main)[place]?.focus({ preventScroll: true });
    say(heading(old) === heading(main) ? "" : heading(main), false);
  }

  function say(words, isShown) {
    find("news").textContent = words;
    find("news").className = isShown ? "stale" : "hidden";
  }

  function heard() {
    clearTimeout(silence);
    silence = setTimeout(take, SILENT_MS);
  }

  function listen() {
    const events = new EventSource("/events");
    events.addEventListener("status", (event) => {
      heard();
      const told = JSON.parse(event.data), time = find("as-of");
      if (document.querySelector("main").dataset.version !== told.version) {
        take();
      } else if (time) {
        time.dateTime = told.as_of;
        time.textContent = told.as_of.slice(0, 10) + " " + told.as_of.slice(11, 19) + " UTC";
      }
    });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
    });
  }

  heard();
  listen();
})();
