// kept are choices that this browser remembers. One that refuses to remembers none.

export function kept(name: string): boolean {
  try {
    return localStorage.getItem(name) === "yes";
  } catch {
    return false;
  }
}

export function keep(name: string, yes: boolean): void {
  try {
    localStorage.setItem(name, yes ? "yes" : "no");
  } catch {
    // It holds for this page, then.
  }
}
