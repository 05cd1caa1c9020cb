// icon shows the state of the page's Run or job in the browser's tab: by its symbol, and by colour as well.

const colours: Record<string, string> = {
  succeeded: "#1a7f37", failed: "#cf222e", running: "#0969da", starting: "#0969da", asking: "#8250df", tolerated: "#9a6700",
};

export function icon(): void {
  const shown = document.querySelector("h1 .state");
  const state = shown?.classList[1] ?? "";
  const words = shown?.textContent?.trim().split(/\s+/) ?? [];
  if (!words[0]) return;
  const drawn = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="16" fill="${colours[state] ?? "#57606a"}"/><text x="16" y="24" font-size="24" text-anchor="middle" fill="#fff">${words[0]}</text></svg>`;
  let link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (!link) {
    link = document.createElement("link");
    link.rel = "icon";
    document.head.append(link);
  }
  link.href = "data:image/svg+xml," + encodeURIComponent(drawn);
  const address = document.title.match(/^\S+ (\S+(?: #\d+|\/\d+)?) .*( · KayCI)$/);
  if (address) document.title = `${words[0]} ${address[1]} ${words.slice(1).join(" ")}${address[2]}`;
}
