// keys are shortcuts of one letter, which can be switched off: some people speak to
// their computer instead of typing.

import { keep, kept } from "./kept";
import { element } from "./html";

const off = "keys-off";

// walk goes through the jobs or Runs of a page, and from a job's page to another's.
function walk(step: number): void {
  const jobs = [...document.querySelectorAll<HTMLAnchorElement>(".others a")];
  const here = jobs.findIndex((job) => job.hasAttribute("aria-current"));
  if (here >= 0) {
    location.href = jobs[(here + step + jobs.length) % jobs.length].href;
    return;
  }
  const links = [...document.querySelectorAll<HTMLElement>("table.jobs td:first-child a, table.runs td:first-child a")];
  if (links.length === 0) return;
  const at = links.indexOf(document.activeElement as HTMLElement);
  links[at < 0 ? (step > 0 ? 0 : links.length - 1) : (at + step + links.length) % links.length].focus();
}

export function keys(more: Record<string, () => void>): void {
  const all: Record<string, () => void> = {
    j: () => walk(1), k: () => walk(-1),
    g: () => scrollTo(0, 0), G: () => scrollTo(0, document.documentElement.scrollHeight),
    y: () => void navigator.clipboard?.writeText(location.href),
    "/": () => document.querySelector<HTMLElement>("input[type=search]")?.focus(),
    "?": () => { location.href = "/help"; },
    ...more,
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || kept(off)) return;
    const target = e.target as HTMLElement;
    const typing = target.matches("select, textarea, input:not([type=checkbox])") || target.isContentEditable;
    if (typing && e.key === "Escape") target.blur();
    if (typing || !Object.hasOwn(all, e.key)) return;
    e.preventDefault();
    all[e.key]();
  });
}

// choice lets people switch the keys off, on the page that lists them.
export function choice(within: HTMLElement): void {
  const label = element("label");
  const input = element("input");
  input.type = "checkbox";
  input.checked = !kept(off);
  input.onchange = () => keep(off, !input.checked);
  label.append(input, " Keys are on in this browser");
  within.append(label);
}
