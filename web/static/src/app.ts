// app is what pages do beyond being read, which they can be without it.

import { icon } from "./icon";
import { choice, keys } from "./keys";
import { live } from "./live";
import { log } from "./log";

icon();

const run = document.getElementById("run");
// What has ended doesn't change, and browsers open few connections.
if (run?.dataset.live === "true") live(run);

const runs = document.getElementById("runs");
if (runs && /^\/ns\/[^/]+\/?$/.test(location.pathname)) live(runs);

const section = document.getElementById("log");
keys(section ? log(section) : {});

const help = document.getElementById("keys-choice");
if (help) choice(help);
