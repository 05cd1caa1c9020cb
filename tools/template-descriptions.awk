# Shortens what the CRD of Pipelines on standard input says about the fields of
# Kubernetes' own types. Helm keeps the CRDs twice in a release's Secret, which
# holds 1 MiB at most. In the template of a job each field's description is cut to
# its first sentence. In that of a service or a notifier there is none: it would be
# the same once more. The template's own description, which says so, stays.

function indent(line) { match(line, /^ */); return RLENGTH }

# The first sentence of a text; one ends in a full stop, or in a colon and a list.
function first(text) {
  gsub(/e\.g\./, "e\001g\001", text)
  gsub(/i\.e\./, "i\001e\001", text)
  if (match(text, /[^.][.:]( |$)/)) text = substr(text, 1, RSTART + 1)
  sub(/ *:$/, ".", text)
  gsub(/\001/, ".", text)
  return text
}

# Prints a block scalar's description that has been collected.
function flush_block() {
  if (!block) return
  printf "%*sdescription: |-\n%*s%s\n", block - 1, "", block + 1, "", first(text)
  block = 0
}

# A blank line is part of the text that it stands in, and ends a sentence.
/^ *$/ {
  if (block) { if (text != "" && text !~ /\.$/) text = text "." }
  else if (!dropping) print
  next
}

# The template of the items of such a list: `services:`, `items:`, `properties:`
# and `template:` stand one below the other.
/^ *(jobs|services|notifiers):$/ && !template { list = indent($0); shorten = /jobs:$/ }
inside && indent($0) <= template { flush_block(); inside = 0; template = 0 }
list && indent($0) == list + 6 && /^ *template:$/ { inside = 1; template = indent($0) }
list && indent($0) <= list && !/^ *(jobs|services|notifiers):$/ { list = 0 }

block && indent($0) >= block { text = text (text == "" ? "" : " ") substr($0, indent($0) + 1); next }
{ flush_block() }
dropping && indent($0) > dropping { next }
{ dropping = 0 }
inside && indent($0) > template + 2 && /^ *description: ./ {
  if (!shorten) { dropping = indent($0); next }
  if (/description: \|-$/) { block = indent($0) + 1; text = ""; next }
}
{ print }
END { flush_block() }
