package draw

import (
	"fmt"
	"strings"

	"github.com/kayci/kayci/api/graph"
	"github.com/kayci/kayci/api/printable"
)

// Mermaid writes the graph in the language of Mermaid, which git hosts draw in their
// Markdown.
func Mermaid(l graph.Layout, marks Marks) string {
	var text strings.Builder
	text.WriteString("flowchart LR\n")
	write := func(i int, indent string) {
		box := &l.Boxes[i]
		mark := marks.of(box)
		class := ""
		if mark.Class != "" {
			class = ":::" + word(mark.Class)
		}
		fmt.Fprintf(&text, "%sj%d[\"%s\"]%s\n", indent, i, entities(label(box, mark)), class)
	}
	each(&l, write, func() { text.WriteString("  subgraph finally\n") }, func() { text.WriteString("  end\n") })
	for _, edge := range l.Edges {
		fmt.Fprintf(&text, "  j%d --> j%d\n", edge.From, edge.To)
	}
	return text.String()
}

// Dot writes the graph in the language of Graphviz, under a name.
func Dot(l graph.Layout, marks Marks, name string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "digraph %s {\n  rankdir=LR;\n  node [shape=box];\n", quoted(name))
	write := func(i int, indent string) {
		box := &l.Boxes[i]
		mark := marks.of(box)
		class := ""
		if mark.Class != "" {
			class = ", class=" + quoted(mark.Class)
		}
		fmt.Fprintf(&text, "%sj%d [label=%s%s];\n", indent, i, quoted(label(box, mark)), class)
	}
	each(&l, write, func() { text.WriteString("  subgraph cluster_finally {\n    label=\"finally\"; style=dashed;\n") }, func() { text.WriteString("  }\n") })
	for _, edge := range l.Edges {
		fmt.Fprintf(&text, "  j%d -> j%d;\n", edge.From, edge.To)
	}
	text.WriteString("}\n")
	return text.String()
}

// each writes the boxes, with what begins and ends those of finally jobs.
func each(l *graph.Layout, write func(i int, indent string), begin, end func()) {
	indent := "  "
	for i := range l.Boxes {
		if l.Boxes[i].Layer == l.Finally && indent == "  " {
			begin()
			indent = "    "
		}
		write(i, indent)
	}
	if l.Finally < l.Layers {
		end()
	}
}

// quoted is a string of Graphviz.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(printable.Text(text)) + `"`
}

// entities is a text within the quotes of Mermaid, which takes some of it for Markdown
// and HTML: all but what is plain is written as the number of its character.
func entities(text string) string {
	var shown strings.Builder
	for _, r := range printable.Text(text) {
		if word(string(r)) != "" || r == ' ' || r == '-' || r >= 0x80 {
			shown.WriteRune(r)
		} else {
			fmt.Fprintf(&shown, "#%d;", r)
		}
	}
	return shown.String()
}

// word is what of a text is letters and digits.
func word(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}
