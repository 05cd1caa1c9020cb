# Makes the numbers of embedded Kubernetes types in a CRD on standard input no
# looser than Go's decoders. What the API server stores and a client can't decode
# stops that client's watch of every object of the kind, in all namespaces.
#
# A quantity: Kubernetes' own pattern allows a fraction in the exponent, which no
# decoder takes, and an exponent whose number is too long to be written out. An
# integer that could be a string has no bounds.

function indent(line) { match(line, /^ */); return RLENGTH }

/^ *pattern: .*\[numkMGTPE\]/ {
  depth = indent($0)
  printf "%*spattern: %s\n", depth, "", "^[+-]?([0-9]{1,30}(\\.[0-9]{0,30})?|\\.[0-9]{1,30})([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$"
  quantity = depth + 1
  next
}
/^ *x-kubernetes-int-or-string: true$/ && quantity != indent($0) + 1 {
  printf "%*smaximum: 2147483647\n%*sminimum: -2147483648\n", indent($0), "", indent($0), ""
}
{ print; quantity = 0 }
