// lines are a log's: an element each, in blocks that browsers lay out when they are
// seen. So find, copy and links are the browser's own.

import { element, link } from "./html";
import { Look, Piece, pieces } from "./escapes";

const inBlock = 500;
const headBlocks = 10;
const mostBlocks = 100;
// The server cuts at 16 KiB of text, and says how much that was.
const longest = 20000;

const command = /^(?:##\[|::)(group|endgroup|error|warning|notice)(?: [^\]:]*)?(?:\]|::)(.*)/;
const failures = /^\s*--- FAIL|^FAIL\b|^(?:error|fatal|panic)(?:\[\w+\])?:/i;

interface Group { head: HTMLElement; lines: HTMLElement[]; failed: boolean }

export class Lines {
  readonly body = element("div", "lines");
  readonly errors: HTMLElement[] = [];
  private block: HTMLElement | null = null;
  private look = new Look();
  private group: Group | null = null;
  private folded = new WeakMap<HTMLElement, HTMLElement[]>();
  private gap: HTMLElement | null = null;
  private left = 0;

  constructor(private raw: string) {
    this.body.addEventListener("click", (e) => {
      const head = (e.target as Element).closest<HTMLElement>("button.fold")?.parentElement;
      if (head) this.toggle(head);
    });
    // Find opens what it finds something in.
    this.body.addEventListener("beforematch", (e) => this.reveal(e.target as HTMLElement));
  }

  add(number: number, time: string, text: string): HTMLElement {
    const line = element("div");
    line.id = `L${number}`;
    line.dataset.n = String(number);
    line.dataset.t = time.slice(11, 23);
    const shown = pieces(text, this.look);
    const first = shown[0]?.text ?? "";
    const found = first[0] === ":" || first[0] === "#" ? command.exec(shown.map((p) => p.text).join("")) : null;
    if (found) this.command(line, found[1], found[2].trim());
    else this.plain(line, shown);
    this.place(line);
    if (this.group && this.group.head !== line) this.group.lines.push(line);
    return line;
  }

  private command(line: HTMLElement, name: string, text: string): void {
    if (name === "endgroup") {
      line.className = "empty";
      const group = this.group;
      this.group = null;
      if (group && group.lines.length > 0 && !group.failed) this.toggle(group.head);
    } else if (name === "group") {
      this.group = { head: line, lines: [], failed: false };
      this.folded.set(line, this.group.lines);
      const fold = element("button", "fold", text || "group");
      fold.setAttribute("aria-expanded", "true");
      line.append(fold);
    } else {
      line.className = `mark ${name}`;
      line.append(element("b", "", `${name}: `), text.slice(0, longest));
      if (name === "error") this.failed(line);
    }
  }

  private plain(line: HTMLElement, shown: Piece[]): void {
    const length = shown.reduce((sum, piece) => sum + piece.text.length, 0);
    this.write(line, shown, longest);
    if (length > longest) {
      const more = element("button", "more", `… show all ${length.toLocaleString("en")} characters`);
      more.onclick = () => { line.replaceChildren(); this.write(line, shown, length); };
      line.append(more);
    }
    if (shown[0] && failures.test(shown[0].text)) {
      line.className = "mark fail";
      this.failed(line);
    }
  }

  private write(line: HTMLElement, shown: Piece[], most: number): void {
    for (const { text, look } of shown) {
      if (most <= 0) return;
      const part = text.slice(0, most);
      most -= part.length;
      line.append(look ? element("span", look, part) : part);
    }
  }

  private failed(line: HTMLElement): void {
    this.errors.push(line);
    if (this.group) this.group.failed = true;
  }

  private place(line: HTMLElement): void {
    if (!this.block || this.block.childElementCount === inBlock) {
      this.block = element("div", "block");
      this.body.append(this.block);
      if (this.body.querySelectorAll(":scope > .block").length > mostBlocks) this.leave();
    }
    this.block.append(line);
  }

  // leave out the oldest lines behind the first ones.
  private leave(): void {
    const oldest = this.body.querySelectorAll(":scope > .block")[headBlocks];
    const first = Number((oldest.firstElementChild as HTMLElement).dataset.n);
    this.left += oldest.childElementCount;
    if (!this.gap) {
      this.gap = element("p", "gap");
      oldest.before(this.gap);
    }
    oldest.remove();
    const begin = this.gap.dataset.from ??= String(first);
    const end = Number(begin) + this.left - 1;
    const part = `${this.raw}&from=${begin}&to=${end}`;
    this.gap.replaceChildren(`${this.left.toLocaleString("en")} lines are left out here: `, link(part, `lines ${begin} to ${end} as text`), ". Find looks through all of them.");
    for (let i = this.errors.length - 1; i >= 0; i--) if (!this.errors[i].isConnected) this.errors.splice(i, 1);
    if (this.group) forget(this.group.lines);
  }

  private toggle(head: HTMLElement, open?: boolean): void {
    const fold = head.querySelector(".fold");
    const show = open ?? fold?.getAttribute("aria-expanded") === "false";
    const lines = this.folded.get(head) ?? [];
    fold?.setAttribute("aria-expanded", String(show));
    head.dataset.count = show ? "" : ` (${lines.length} lines)`;
    for (const line of lines) {
      if (show) line.removeAttribute("hidden");
      else line.setAttribute("hidden", "until-found");
    }
  }

  // reveal opens the group that a line is in.
  reveal(line: HTMLElement): void {
    if (!line.hasAttribute("hidden")) return;
    const heads = [...this.body.querySelectorAll<HTMLElement>("button.fold")].map((fold) => fold.parentElement as HTMLElement);
    const head = heads.find((head) => this.folded.get(head)?.includes(line));
    if (head) this.toggle(head, true);
  }
}

// forget the lines that have left the page, which follow each other: a group without
// an end would hold all of a log.
function forget(lines: HTMLElement[]): void {
  const from = lines.findIndex((line) => !line.isConnected);
  if (from < 0) return;
  const kept = lines.findIndex((line, i) => i > from && line.isConnected);
  lines.splice(from, (kept < 0 ? lines.length : kept) - from);
}
