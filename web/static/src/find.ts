// find looks through the whole log, also what isn't on the page.

import { plain } from "./escapes";
import { element, link, signIn } from "./html";

interface Found { hits: { line: number; text: string }[]; searched: number; partial: boolean }

export function find(address: string, begin: () => void): HTMLFormElement {
  const form = element("form", "find");
  form.setAttribute("role", "search");
  const input = element("input");
  input.type = "search";
  input.placeholder = "find in the whole log";
  input.setAttribute("aria-label", input.placeholder);
  const list = element("div", "hits");
  list.setAttribute("role", "status");
  form.append(input, list);
  form.onsubmit = (e) => {
    e.preventDefault();
    begin();
    list.replaceChildren();
    if (input.value) look(address, input.value, list).catch(() => list.replaceChildren("The search got no answer: try again."));
  };
  input.oninput = () => { if (!input.value) list.replaceChildren(); };
  return form;
}

async function look(address: string, term: string, list: HTMLElement): Promise<void> {
  const url = new URL(address, location.href);
  url.pathname += "/search";
  url.searchParams.set("q", term);
  const answer = await fetch(url, { redirect: "error" });
  if (answer.status === 401) signIn();
  if (!answer.ok) {
    list.replaceChildren((await answer.text()).slice(0, 500));
    return;
  }
  const found = (await answer.json()) as Found;
  const count = found.hits.length.toLocaleString("en");
  list.append(`${count} lines in ${found.searched.toLocaleString("en")}${found.partial ? ", there may be more" : ""}`);
  for (const { line, text } of found.hits.slice(0, 200)) {
    const here = document.getElementById(`L${line}`);
    const row = element("div");
    const to = here ? link(`#L${line}`, String(line)) : link(`${address}&from=${Math.max(1, line - 100)}&to=${line + 100}`, `${line} (as text)`);
    row.append(to, " ", plain(text));
    list.append(row);
  }
}
