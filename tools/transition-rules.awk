# Removes the validation rules that compare with the old object (oldSelf) from a
# CRD on standard input. A CRD that embeds a Kubernetes type inherits such rules
# from it; within an atomic list there is no old element to compare with, and the
# API server refuses the whole CRD. Whoever edits a template makes a new one anyway.

function indent(line) { match(line, /^ */); return RLENGTH }

function flush_rule() {
  if (rule == "") return
  if (rule !~ /oldSelf/) { printf "%s%s", header, rule; header = "" }
  rule = ""
}

inside && (indent($0) < depth || (indent($0) == depth && $0 !~ /^ *- /)) { flush_rule(); inside = 0 }
inside && indent($0) == depth { flush_rule() }
inside { rule = rule $0 "\n"; next }

/^ *x-kubernetes-validations:$/ { inside = 1; depth = indent($0); header = $0 "\n"; rule = ""; next }
{ print }
END { flush_rule() }
