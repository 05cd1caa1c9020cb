# Removes the descriptions of the fields within the template of a service or a
# notifier from the CRD of Pipelines on standard input. They are Kubernetes' own,
# and are there already for the template of a job: each more copy would make the
# CRD 300 kB larger. The template's own description, which says so, stays.

function indent(line) { match(line, /^ */); return RLENGTH }

# A blank line is part of the text that it stands in.
/^ *$/ { if (!dropping) print; next }

# The template of the items of such a list: `services:`, `items:`, `properties:`
# and `template:` stand one below the other.
/^ *(services|notifiers):$/ && !template { list = indent($0) }
inside && indent($0) <= template { inside = 0; template = 0 }
list && indent($0) == list + 6 && /^ *template:$/ { inside = 1; template = indent($0) }
list && indent($0) <= list && !/^ *(services|notifiers):$/ { list = 0 }

dropping && indent($0) > dropping { next }
{ dropping = 0 }
inside && indent($0) > template + 2 && /^ *description: ./ { dropping = indent($0); next }
{ print }
