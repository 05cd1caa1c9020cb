// escapes reads what programs write to terminals: colours become classes, other sequences
// that a terminal would obey are dropped, and single controls are shown as such.

export interface Piece { text: string; look: string }

// CSI, OSC and the other strings with their ends, two-byte escapes, shifts, which reset a
// look in some terminals, and single controls. Characters that turn the direction of
// writing are shown as such.
const sequences = /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])?|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\?)?|\x1b[ -/]*[0-~]?|[\x0e\x0f]|([\x00-\x08\x0b-\x1f\x7f-\x9f])/g;
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

// picture of a control: Unicode has some of those of ASCII.
function picture(control: string): string {
  const code = control.charCodeAt(0);
  if (code > 0x7f) return "\ufffd";
  return String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code);
}

const channel = (v: number) => (v > 95 ? 1 : 0);
const basic = (r: number, g: number, b: number) =>
  (channel(r) | (channel(g) << 1) | (channel(b) << 2)) + (Math.max(r, g, b) > 190 ? 8 : 0);

// nearest of 16 colours: those have enough contrast in the light and in the dark.
function nearest(index: number): number {
  if (index < 16) return index;
  if (index > 231) return index > 243 ? 7 : 8;
  const cube = index - 16;
  return basic(Math.floor(cube / 36) * 51, (Math.floor(cube / 6) % 6) * 51, (cube % 6) * 51);
}

export class Look {
  private fore = -1;
  private back = -1;
  private flags = new Set<string>();

  get names(): string {
    const names = [...this.flags];
    if (this.fore >= 0) names.push(`f${this.fore}`);
    if (this.back >= 0) names.push(`b${this.back}`);
    return names.join(" ");
  }

  apply(parameters: string): void {
    const codes = parameters.split(/[;:]/, 32).map(Number);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i];
      if (code === 38 || code === 48) {
        const long = codes[i + 1] === 2;
        const colour = long ? basic(codes[i + 2], codes[i + 3], codes[i + 4]) : nearest(codes[i + 2]);
        i += long ? 4 : 2;
        if (colour >= 0 && colour < 16) this.colour(code === 38, colour);
      } else {
        this.one(code);
      }
    }
  }

  private colour(fore: boolean, to: number): void {
    if (fore) this.fore = to;
    else this.back = to;
  }

  private one(code: number): void {
    const flag = ["", "bold", "dim", "italic", "under", "", "", "swap", "", "struck"];
    if (code === 0) { this.fore = this.back = -1; this.flags.clear(); }
    else if (code < 10 && flag[code]) this.flags.add(flag[code]);
    else if (code === 22) { this.flags.delete("bold"); this.flags.delete("dim"); }
    else if (code > 22 && code < 30) this.flags.delete(flag[code - 20]);
    else if (code >= 30 && code < 40) this.fore = code === 39 ? -1 : code - 30;
    else if (code >= 40 && code < 50) this.back = code === 49 ? -1 : code - 40;
    else if (code >= 90 && code < 98) this.fore = code - 82;
    else if (code >= 100 && code < 108) this.back = code - 92;
  }
}

// pieces of a line, each in one look. What a carriage return would write over is gone.
export function pieces(line: string, look: Look): Piece[] {
  const found: Piece[] = [];
  const text = line.replace(/\r+$/, "");
  const shown = text.slice(text.lastIndexOf("\r") + 1).replace(turning, "\ufffd");
  let from = 0;
  // A line of controls is one piece: each is an element on the page.
  const add = (text: string) => {
    const last = found.at(-1);
    if (last?.look === look.names) last.text += text;
    else if (text) found.push({ text, look: look.names });
  };
  for (const match of shown.matchAll(sequences)) {
    add(shown.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") look.apply(match[1]);
    if (match[3]) add(picture(match[3]));
  }
  add(shown.slice(from));
  return found;
}

// plain is the text of a line as it is shown, without its looks.
export const plain = (line: string) => pieces(line, new Look()).map((piece) => piece.text).join("");
