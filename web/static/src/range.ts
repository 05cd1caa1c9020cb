// range marks the lines that the address names, #L120 or #L120-L130, also those that
// arrive later.

export class Range {
  private from = 0;
  private to = 0;
  private sought = false;

  constructor(private body: HTMLElement, private reveal: (line: HTMLElement) => void) {
    this.read();
    addEventListener("hashchange", () => this.read());
    body.addEventListener("click", (e) => this.click(e));
  }

  get set(): boolean { return this.from > 0; }

  // arrived takes a line, which is scrolled to if it is the first one: once.
  arrived(number: number, line: HTMLElement): void {
    if (number >= this.from && number <= this.to) line.classList.add("chosen");
    if (number === this.from) this.sought = true;
  }

  settle(): void {
    if (!this.sought) return;
    this.sought = false;
    const line = document.getElementById(`L${this.from}`);
    if (!line) return;
    this.reveal(line);
    line.scrollIntoView({ block: "center" });
    // What is above is laid out only now, and may be higher than was thought.
    requestAnimationFrame(() => line.scrollIntoView({ block: "center" }));
  }

  private read(): void {
    const found = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
    const ends = found ? [Number(found[1]), Number(found[2] ?? found[1])] : [0, 0];
    this.mark(Math.min(...ends), Math.max(...ends));
    this.sought = this.set;
    this.settle();
  }

  private mark(from: number, to: number): void {
    for (const line of this.body.querySelectorAll(".chosen")) line.classList.remove("chosen");
    [this.from, this.to] = [from, to];
    if (!from) return;
    for (const line of this.body.querySelectorAll<HTMLElement>("[data-n]")) {
      const n = Number(line.dataset.n);
      if (n >= from && n <= to) line.classList.add("chosen");
    }
  }

  // A click on a line's number chooses it, and one with shift all up to it.
  private click(e: MouseEvent): void {
    const line = e.target as HTMLElement;
    const n = Number(line.dataset?.n ?? 0);
    if (!n || e.clientX - line.getBoundingClientRect().left > parseFloat(getComputedStyle(line).paddingLeft)) return;
    const [from, to] = e.shiftKey && this.from ? [Math.min(this.from, n), Math.max(this.from, n)] : [n, n];
    getSelection()?.removeAllRanges();
    history.replaceState(null, "", from === to ? `#L${from}` : `#L${from}-L${to}`);
    this.mark(from, to);
  }
}
