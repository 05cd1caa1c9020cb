// stream reads a log, and goes on behind its last line where the connection has broken.

export interface End { lines: number; complete: boolean; missing?: string[]; exitCode?: number; reason?: string }

export interface Reader {
  line(number: number, time: string, text: string): void;
  // arrived is called when the lines that have come so far were passed on.
  arrived(): void;
  end(end: End): void;
  lost(): void;
  refused(status: number, text: string): void;
}

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

// The first sign of a line tells a log's line, L, from what the server says at the end, E.
class Frames {
  last = 0;
  ended = false;
  private rest = "";

  constructor(private to: Reader) {}

  feed(text: string): void {
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      this.frame(this.rest + text.slice(from, at));
      this.rest = "";
      from = at + 1;
    }
    this.rest += text.slice(from);
  }

  // cut forgets a line that has come in part: it comes again.
  cut(): void {
    this.rest = "";
  }

  private frame(frame: string): void {
    if (frame[0] === "E") {
      this.ended = true;
      this.to.end(JSON.parse(frame.slice(1)) as End);
      return;
    }
    const number = frame.indexOf(" ");
    const time = frame.indexOf(" ", number + 1);
    const n = Number(frame.slice(1, number));
    if (frame[0] !== "L" || n <= this.last) return;
    this.last = n;
    this.to.line(n, frame.slice(number + 1, time), frame.slice(time + 1));
  }
}

async function once(address: string, frames: Frames, to: Reader): Promise<boolean> {
  const url = new URL(address, location.href);
  url.searchParams.set("frames", "1");
  url.searchParams.set("follow", "1");
  if (frames.last) url.searchParams.set("from", String(frames.last + 1));
  const answer = await fetch(url, { redirect: "error", cache: "no-store" });
  if (!answer.ok || !answer.body) {
    const busy = answer.status === 429 || answer.status > 499;
    if (!busy) to.refused(answer.status, await answer.text());
    return !busy;
  }
  // The decoder keeps the bytes of a character that have come in part.
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    frames.feed(decoder.decode(value, { stream: !done }));
    to.arrived();
    if (done) return frames.ended;
  }
}

export async function read(address: string, to: Reader): Promise<void> {
  const frames = new Frames(to);
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30000)) {
    const before = frames.last;
    try {
      if (await once(address, frames, to)) return;
    } catch {
      // The network is away: as when the stream has ended without its end.
    }
    frames.cut();
    to.lost();
    if (frames.last > before) wait = 1000;
    await sleep(wait);
  }
}
