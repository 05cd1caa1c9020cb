// morph makes one tree of another in place, so that focus, selection, scrolled parts
// and what somebody has typed or opened stay as they are.

function keyOf(node: Node): string {
  if (!(node instanceof Element)) return node.nodeName;
  const link = node.querySelector(":scope > a[href], :scope > td > a[href]");
  return node.nodeName + (node.id || (link && node.nodeName === "TR" ? link.getAttribute("href") : "") || "");
}

function attributes(old: Element, next: Element): void {
  for (const { name } of [...old.attributes]) {
    // What the reader has opened stays open.
    if (!next.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

export function morph(old: Node, next: Node): void {
  if (old instanceof Element && next instanceof Element) {
    attributes(old, next);
  } else if (old.nodeValue !== next.nodeValue) {
    old.nodeValue = next.nodeValue;
  }
  let at = old.firstChild;
  for (const child of [...next.childNodes]) {
    const key = keyOf(child);
    let found = at;
    while (found && keyOf(found) !== key) found = found.nextSibling;
    if (!found) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    // What is between is gone, or has moved behind: it is made anew there.
    while (at && at !== found) {
      const gone = at;
      at = at.nextSibling;
      old.removeChild(gone);
    }
    morph(found, child);
    at = found.nextSibling;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    old.removeChild(gone);
  }
}
