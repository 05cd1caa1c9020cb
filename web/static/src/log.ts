// log shows a container's log and follows it.

import { element, say, signIn } from "./html";
import { keep, kept } from "./kept";
import { Lines } from "./lines";
import { Range } from "./range";
import { End, read } from "./stream";
import { find } from "./find";

const root = document.documentElement;
const atEnd = () => root.scrollHeight - scrollY - innerHeight < 40;

// log shows the log of a section. One that is still leaves the page where it is: there is
// more on it.
export function log(section: HTMLElement): Record<string, () => void> {
  const still = "still" in section.dataset;
  const address = section.dataset.log ?? "";
  const bar = element("div", "bar");
  const lines = new Lines(address);
  const range = new Range(lines.body, (line) => lines.reveal(line));
  const status = element("p", "end", "Reading …");
  section.append(bar, lines.body, status);

  const boxes: Record<string, HTMLInputElement> = {};
  const box = (name: string, changed: (on: boolean) => void) => {
    const label = element("label");
    const input = (boxes[name] = element("input"));
    input.type = "checkbox";
    input.onchange = () => changed(input.checked);
    label.append(input, ` ${name}`);
    bar.append(label);
  };
  const look = (name: string) => {
    const set = (on: boolean) => { section.classList.toggle(name, on); keep(`log-${name}`, on); };
    box(name, set);
    section.classList.toggle(name, (boxes[name].checked = kept(`log-${name}`)));
  };
  look("times");
  look("wrap");
  let over = false;
  let last = scrollY;
  const toEnd = () => { scrollTo(0, root.scrollHeight); last = scrollY; };
  const follow = (on: boolean) => { boxes.follow.checked = on; if (on) toEnd(); };
  box("follow", follow);
  let at = -1;
  const toError = (step: number) => {
    if (lines.errors.length === 0) return;
    follow(false);
    // Before the first step, the one before the first is the last.
    at = (Math.max(at, step < 0 ? 0 : -1) + step + lines.errors.length) % lines.errors.length;
    const line = lines.errors[at];
    lines.reveal(line);
    line.scrollIntoView({ block: "center" });
    for (const current of lines.body.querySelectorAll(".current")) current.classList.remove("current");
    line.classList.add("current");
  };
  const first = element("button", "", "first error ↓");
  first.hidden = true;
  first.onclick = () => { at = -1; toError(1); };
  const search = find(address, () => follow(false));
  bar.append(first, search);

  addEventListener("scroll", () => {
    if (scrollY < last - 4 && !atEnd()) boxes.follow.checked = false;
    else if (atEnd() && !over && !still && !range.set && scrollY > last) boxes.follow.checked = true;
    last = scrollY;
  }, { passive: true });

  // Who opens what has ended reads it from the begin.
  setTimeout(() => { if (!over && !still && !range.set && scrollY === 0) follow(true); }, 1000);

  void read(address, {
    line: (number, time, text) => range.arrived(number, lines.add(number, time, text)),
    arrived: () => {
      say("");
      first.hidden = lines.errors.length === 0;
      if (!over) status.textContent = "Running …";
      range.settle();
      if (boxes.follow.checked) requestAnimationFrame(toEnd);
    },
    end: (end) => {
      over = true;
      status.textContent = ending(end);
      if (end.exitCode && !still && !range.set && (scrollY === 0 || boxes.follow.checked)) toError(1);
    },
    lost: () => say("Connection lost, trying again …"),
    refused: (code, text) => {
      over = true;
      status.textContent = text.slice(0, 2000);
      if (code === 401) signIn();
    },
  });

  const press = (name: string) => () => boxes[name].click();
  return {
    f: press("follow"), t: press("times"), w: press("wrap"),
    g: () => { follow(false); scrollTo(0, 0); }, G: toEnd,
    n: () => toError(1), N: () => toError(-1),
    r: () => { location.href = address; },
    "/": () => search.querySelector("input")?.focus(),
  };
}

function ending(end: End): string {
  const parts = [`${end.lines.toLocaleString("en")} lines`];
  if (end.exitCode !== undefined) parts.unshift(`exit code ${end.exitCode}`);
  if (end.reason && end.reason !== "Completed") parts.unshift(end.reason);
  parts.push(end.complete ? "whole" : "not whole", ...(end.missing ?? []));
  return parts.join(" · ");
}
