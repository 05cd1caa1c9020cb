// live keeps a Run, or a list of Runs, as it is now.

import { parse, say, signIn } from "./html";
import { morph } from "./morph";
import { icon } from "./icon";

export function live(shown: HTMLElement): void {
  const name = shown.id;
  let source: EventSource | null = null;
  let over = false;

  const close = () => {
    source?.close();
    source = null;
  };
  const end = () => {
    over = true;
    close();
    say("");
  };
  const show = (text: string) => {
    const next = parse(text).getElementById(name);
    if (!next) return;
    morph(shown, next);
    icon();
  };
  const open = () => {
    if (over || source || document.hidden) return;
    const query = new URLSearchParams(location.search);
    query.set("rv", shown.dataset.version ?? "");
    source = new EventSource(`${location.pathname.replace(/\/$/, "")}/events?${query}`);
    const on = (event: string, then: (data: string) => void) =>
      source?.addEventListener(event, (e) => then((e as MessageEvent<string>).data));
    source.onopen = () => say("");
    on(name, show);
    on("end", end);
    on("gone", (data) => { end(); say(data || "This Run was deleted."); });
    on("signin", () => { end(); signIn(); });
    on("problem", (data) => { end(); say(data); });
    source.onerror = () => lost();
  };
  // A browser gives up where the answer is an error: it is asked again, later.
  const lost = () => {
    if (over) return;
    say("Connection lost, trying again …");
    if (source?.readyState !== EventSource.CLOSED) return;
    close();
    fetch(location.href, { method: "HEAD", redirect: "manual" }).then((answer) => {
      if (answer.status === 404) { end(); say("This Run was deleted."); }
      else if (answer.status === 401 || answer.type === "opaqueredirect") { end(); signIn(); }
      else setTimeout(open, 5000);
    }, () => setTimeout(open, 5000));
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}
