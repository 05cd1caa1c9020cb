// html is the one place where text becomes HTML: parts of pages that this server has
// written. Browsers that know Trusted Types refuse it everywhere else.

interface Policy { createHTML(text: string): string }
interface Policies { createPolicy(name: string, rules: Policy): Policy }

const rules: Policy = { createHTML: (text) => text };
const policies = (window as unknown as { trustedTypes?: Policies }).trustedTypes;
const policy = policies ? policies.createPolicy("kayci", rules) : rules;

export function parse(text: string): Document {
  return new DOMParser().parseFromString(policy.createHTML(text), "text/html");
}

// element makes an element with a text, never with HTML.
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, name = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

export function link(href: string, text: string): HTMLAnchorElement {
  const made = element("a", "", text);
  made.href = href;
  return made;
}

// say shows a message above the page's content; a blank one takes it away.
export function say(text: string, href = ""): void {
  let banner = document.getElementById("said");
  if (!banner) {
    banner = element("p", "banner");
    banner.id = "said";
    banner.setAttribute("role", "status");
    document.querySelector("main")?.before(banner);
  }
  banner.hidden = !text;
  banner.replaceChildren(href ? link(href, text) : text);
}

export const signIn = () => say("Signed out: sign in again", "/login?next=" + encodeURIComponent(location.pathname + location.search));
